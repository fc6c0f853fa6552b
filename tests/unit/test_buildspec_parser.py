import pytest

from sledgehammer_localstack.aws.codebuild.buildspec import CacheSpec, OnFailure, PhaseName
from sledgehammer_localstack.aws.codebuild.buildspec_parser import parse_buildspec
from sledgehammer_localstack.aws.codebuild.buildspec_source import is_inline
from sledgehammer_localstack.aws.codebuild.yaml_nodes import YamlFileError

WHOLE = """# a comment
version: 0.2
env:
  shell: bash
  variables: {LEVEL: 010, FLAG: yes}
  parameter-store: {DB: /team/db}
  secrets-manager: {KEY: "ci:key"}
  exported-variables: [VERSION]
phases:
  build:
    on-failure: CONTINUE
    commands:
      - true
      - |
        one
        two
    finally: [clean]
  install:
    commands: ["apt-get update"]
artifacts:
  files: ["**/*"]
  base-directory: out
  discard-paths: yes
cache:
  key: npm-$(codebuild-hash-files package-lock.json)
  fallback-keys: [npm-]
  action: restore
  paths: ["./node_modules/**/*"]
"""

CACHE = "version: 0.2\ncache: {{{}}}\n"


def spec(phases: str, *, head: str = "version: 0.2\n") -> str:
    return f"{head}phases:\n{phases}"


def test_a_whole_file() -> None:
    """Every known part is read, scalars stay as they were written, phases come in the order they run."""
    parsed = parse_buildspec(WHOLE)
    assert parsed.shell == "bash"
    assert parsed.variables == {"LEVEL": "010", "FLAG": "yes"}
    assert parsed.parameter_store == {"DB": "/team/db"}
    assert parsed.secrets_manager == {"KEY": "ci:key"}
    assert parsed.exported_variables == ("VERSION",)
    install, build = parsed.phases
    assert install.name is PhaseName.INSTALL
    assert build.commands == ("true", "one\ntwo\n")
    assert build.finally_commands == ("clean",)
    assert build.on_failure is OnFailure.CONTINUE
    assert parsed.artifacts is not None
    assert parsed.artifacts.discard_paths
    assert parsed.cache == CacheSpec(
        paths=("node_modules/**/*",),
        key="npm-$(codebuild-hash-files package-lock.json)",
        fallback_keys=("npm-",),
        saves=False,
    )


def test_folded_commands_become_one_line() -> None:
    """A folded block is one command line without traces of the folding."""
    parsed = parse_buildspec(spec("  build:\n    commands:\n      - >-\n        docker build\n        .\n"))
    assert parsed.phases[0].commands == ("docker build .",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("phases: {}\n", "no version"),
        ("version: 0.1\nphases: {}\n", "version 0.1 is not run here.* at line 1"),
        ("version: 0.2\n", "no phases"),
        (spec("  build:\n    command: [x]\n"), "unknown key command in phases.build.* at line 4"),
        (spec("  bild:\n    commands: [x]\n"), "unknown key bild in phases"),
        (spec("  build:\n    commands:\n      - a: b\n"), r"Expected Commands\[0\] to be of string type.* at line 5"),
        (spec("  build:\n    commands: x\n"), "expected Commands to be a list at line 4"),
        (spec("  build:\n    finally: []\n    on-failure: RETRY-3\n"), "does not run `on-failure: RETRY-3`"),
        (spec("  build:\n    commands: [x]\n    on-failure: STOP\n"), "STOP is none of ABORT, CONTINUE"),
        (spec("  build:\n    commands: [x]\n    run-as: me\n"), "does not run `run-as` of phases.build at line 5"),
        (spec("  install:\n    runtime-versions: {python: 3}\n    commands: [x]\n"), "does not run `runtime-versions`"),
        (spec("  build:\n    commands: [x]\n", head="version: 0.2\nbatch: {}\n"), "does not run `batch`"),
        (spec("  build:\n    commands: [x]\n", head="version: 0.2\nreports: {}\n"), "does not run `reports`"),
        (spec("  build:\n    commands: [x]\n", head="version: 0.2\nenv: {shell: zsh}\n"), "zsh is none of sh, bash"),
        (spec("  build:\n    commands: [x]\n", head="version: 0.2\nenv: {variables: {1A: x}}\n"), "no name for a var"),
        (spec("  build:\n    commands: [x]\n", head=CACHE.format("key: k")), "cache has no paths at line 2"),
        (spec("  build:\n    commands: [x]\n", head=CACHE.format("paths: [/root/x]")), "sources only, not /root/x"),
        (spec("  build:\n    commands: [x]\n", head=CACHE.format("paths: [a/../../b]")), "files of the sources only"),
        (spec("  build:\n    commands: [x]\n", head=CACHE.format("paths: [a], action: keep")), "keep is none of"),
        (spec("  build:\n    commands: [x]\n  build:\n    commands: [y]\n"), "phases has build twice"),
        ("version: 0.2\nphases: [\n", "at line"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, words: str) -> None:
    """A file that cannot be run is refused by the name and, where there is one, the line of its fault."""
    with pytest.raises(YamlFileError, match=words):
        parse_buildspec(text)


@pytest.mark.parametrize(
    ("text", "inline"),
    [("version: 0.2\nphases: {}\n", True), ('{"version": 0.2}', True), ("ci/buildspec.yml", False), ("", False)],
)
def test_inline_or_path(text: str, inline: bool) -> None:
    """A project's buildspec is a text or the path of a file in its source."""
    assert is_inline(text) is inline
