"""The rendered script, run for real by sh against a docker that records how it was called."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sledgehammer.operations import (
    Build,
    CacheSource,
    CacheTarget,
    EnvVar,
    Login,
    Operation,
    PasswordFromCommand,
    PasswordFromEnv,
    SelectBuilder,
    WaitForEngine,
    text,
)
from sledgehammer.outcome import BuiltImage
from sledgehammer.plan import BuildPlan
from sledgehammer.report import parse_report
from sledgehammer.shell import render_script

DIGEST = "sha256:" + "a" * 64
NASTY = """it's "$HOME" `id` $(id) \\ * a=b;c"""

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
argv = sys.argv[1:]
with (here / "calls").open("a") as file:
    file.write(json.dumps(argv) + "\\n")
if argv[0] == "login":
    (here / "password").write_text(sys.stdin.read())
    (here / "config").write_text(os.environ["DOCKER_CONFIG"])
if argv[:1] == ["info"]:
    if (here / "dead").exists():
        print("Cannot connect to the Docker daemon", file=sys.stderr)
        sys.exit(1)
    print(os.environ.get("FAKE_DRIVER", '[["driver-type","io.containerd.snapshotter.v1"]]'))
if argv[:1] == ["version"]:
    print("26.1.5")
if "build" in argv:
    print("#5 [build 1/3] FROM docker.io/library/rust:1", "#5 DONE 1.0s", "#6 [build 2/3] COPY . .", "#6 CACHED",
          "#7 [build 3/3] RUN make", "#7 0.1 [x 1/2] not a step", "#7 DONE 2.0s", "#8 [stage-1 2/2] COPY a b",
          "#8 CACHED", "#5 sha256:ab 1MB / 2MB", "#9 [stage-1 3/3] RUN x", "#9 sha256:ab 1kB / 1kB 0.1s done",
          "#9 extracting sha256:ab 0.1s done", "#9 DONE 0.2s", "#10 [b 1/1] RUN sha256sum y", "#10 0.2 sha256:ab",
          "#10 DONE 0.2s", sep="\\n", file=sys.stderr)
    metadata = argv[argv.index("--metadata-file") + 1]
    pathlib.Path(metadata).write_text(json.dumps({"containerimage.digest": "DIGEST"}, indent=2))
    sys.exit(int(os.environ.get("FAKE_EXIT", "0")))
""".replace("DIGEST", DIGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a script did: its exit code, both outputs, and docker's calls."""

    exit_code: int
    output: str
    calls: list[list[str]]
    folder: Path


RunScript = Callable[..., Ran]


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """Runs operations with the recording docker first on the PATH."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)

    def run(*operations: Operation, **variables: str) -> Ran:
        script = render_script(BuildPlan(operations=operations))
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), **variables}
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
        recorded = tmp_path / "calls"
        calls = [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []
        return Ran(exit_code=done.returncode, output=done.stdout + done.stderr, calls=calls, folder=tmp_path)

    return run


def build(**changes: object) -> Build:
    """A pushed build of one image."""
    fields: dict[str, object] = {
        "image": "web",
        "context": ".",
        "dockerfile": "Dockerfile",
        "target": "package",
        "args": (),
        "tags": (text(EnvVar("REPO"), ":", EnvVar("SHA")),),
        "push": True,
    }
    return Build(**{**fields, **changes})  # type: ignore[arg-type]


def test_values_reach_docker_unchanged(run_script: RunScript) -> None:
    """No value is split, expanded or executed by the shell, whatever it contains."""
    nasty = build(args=(("X", NASTY),), context="my dir", tags=(text(EnvVar("REPO"), ":", EnvVar("SHA")),))

    ran = run_script(nasty, REPO="host:5000/a b", SHA="$(touch pwned)")

    (call,) = [call for call in ran.calls if "build" in call]
    assert f"X={NASTY}" in call
    assert "host:5000/a b:$(touch pwned)" in call
    assert call[-1] == "my dir"


def test_the_report_counts_steps_and_names_the_digest(run_script: RunScript) -> None:
    """A step whose layers were fetched is cached as well; FROM lines and output that looks like a step or like a
    fetched layer are not counted; the digest is the builder's."""
    ran = run_script(build(), REPO="host:5000/web", SHA="abc")

    assert parse_report(ran.output.splitlines()) == (
        BuiltImage(image="web", reference=f"host:5000/web@{DIGEST}", cached_steps=3, total_steps=5),
    )
    assert ran.exit_code == 0


def test_a_failed_build_fails_the_script(run_script: RunScript) -> None:
    """The pipe into the log does not swallow the builder's exit code."""
    ran = run_script(build(), REPO="r", SHA="s", FAKE_EXIT="17")

    assert ran.exit_code != 0
    assert "image web: the build failed with exit code 17" in ran.output


def test_a_missing_variable_fails_before_anything_is_built(run_script: RunScript) -> None:
    """An unset CI variable never becomes an empty tag."""
    ran = run_script(build(), REPO="r")

    assert ran.exit_code != 0
    assert not [call for call in ran.calls if "build" in call]


def test_the_password_travels_by_standard_input(run_script: RunScript) -> None:
    """The password is in no argument and not in the output, and Docker's configuration is gone afterwards."""
    login = Login(registry=(EnvVar("REG"),), username=("bob",), password=PasswordFromEnv(variable="PASS"))

    ran = run_script(login, REG="host:5000", PASS="s3cret %s\\n")

    assert (ran.folder / "password").read_text() == "s3cret %s\\n"
    assert "s3cret" not in ran.output
    assert not any("s3cret" in word for call in ran.calls for word in call)
    assert not Path((ran.folder / "config").read_text()).exists()


def test_a_password_command_that_fails_fails_the_script(run_script: RunScript) -> None:
    """Its own message stays readable."""
    login = Login(registry=("r",), username=("AWS",), password=PasswordFromCommand(argv=("no-such-aws", "ecr")))

    ran = run_script(login, PATH=os.environ["PATH"])

    assert ran.exit_code != 0
    assert "no-such-aws" in ran.output


def test_a_cache_ref_that_equals_an_earlier_one_is_read_once(run_script: RunScript) -> None:
    """On the default branch the fallback is the own ref."""
    cached = build(
        cache_from=(CacheSource(ref=(EnvVar("A"),)), CacheSource(ref=(EnvVar("B"),))),
        cache_to=(CacheTarget(ref=(EnvVar("A"),), options=(("mode", "max"), ("ignore-error", "true"))),),
    )

    same = run_script(cached, REPO="r", SHA="s", A="c:main", B="c:main")
    (call,) = [call for call in same.calls if "build" in call]
    assert call.count("type=registry,ref=c:main") == 1
    assert "type=registry,ref=c:main,mode=max,ignore-error=true" in call

    other = run_script(cached, REPO="r", SHA="s", A="c:topic", B="c:main").calls[-1]
    assert [other[i + 1] for i, word in enumerate(other) if word == "--cache-from"] == [
        "type=registry,ref=c:topic",
        "type=registry,ref=c:main",
    ]


def test_the_builder_is_the_engines_own_only_where_it_can_export(run_script: RunScript) -> None:
    """On the classic image store a BuildKit of its own is created from a context that carries the TLS settings."""
    own = run_script(SelectBuilder(), build(), REPO="r", SHA="s")
    assert "default" in own.calls[-1]

    (own.folder / "calls").unlink()
    apart = run_script(SelectBuilder(), build(), REPO="r", SHA="s", FAKE_DRIVER='[["Backing Filesystem","extfs"]]')
    assert [call[:2] for call in apart.calls] == [
        ["info", "--format"],
        ["context", "create"],
        ["buildx", "create"],
        ["buildx", "--builder"],
    ]
    assert "docker-container" in apart.calls[2]
    assert apart.calls[3][2] == apart.calls[1][2]


def test_an_engine_that_never_answers_is_named(run_script: RunScript, tmp_path: Path) -> None:
    """The wait is bounded and says which engine was asked, and what it said."""
    (tmp_path / "dead").touch()

    ran = run_script(WaitForEngine(timeout_s=1), DOCKER_HOST="tcp://docker:2376")

    assert ran.exit_code != 0
    assert "the Docker engine at tcp://docker:2376 did not answer within 1 s" in ran.output
    assert "Cannot connect" in ran.output


def test_a_local_build_loads_instead_of_pushing(run_script: RunScript) -> None:
    """Nothing is pushed and no digest is demanded."""
    ran = run_script(build(push=False), REPO="web", SHA="abc")

    assert "--load" in ran.calls[-1]
    assert "--push" not in ran.calls[-1]
    assert parse_report(ran.output.splitlines())[0].reference == ""


def test_the_script_is_clean_by_shellcheck() -> None:
    """Every kind of operation, as POSIX sh."""
    everything = (
        WaitForEngine(start=True),
        Login(registry=(EnvVar("R"),), username=("u",), password=PasswordFromEnv(variable="P")),
        Login(registry=("r",), username=("u",), password=PasswordFromCommand(argv=("aws", "ecr", "get it"))),
        SelectBuilder(),
        build(
            args=(("A", NASTY),),
            labels=(("l", (EnvVar("SHA"),)),),
            cache_from=(CacheSource(ref=(EnvVar("A"),)), CacheSource(ref=("b",))),
            cache_to=(CacheTarget(ref=(EnvVar("A"),), options=(("mode", "max"),)),),
        ),
        build(push=False),
    )
    names = ("R", "P", "REPO", "SHA", "A")
    given = "".join(f': "${{{name}?}}"\n' for name in names)
    script = "#!/bin/sh\n" + given + render_script(BuildPlan(operations=everything))

    done = subprocess.run(["shellcheck", "-"], input=script, capture_output=True, text=True, check=False)

    assert done.stdout == ""
    assert done.returncode == 0
