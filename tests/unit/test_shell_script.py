"""The rendered script, run for real by sh against a docker that records how it was called."""

import os
import subprocess
from pathlib import Path

import pytest
from recording_docker import DIGEST, RunScript, build, export, pushes, script_runner, sources

from sledgehammer.operations import (
    BuilderKind,
    BuildTool,
    CacheFolder,
    EnvVar,
    Login,
    PasswordFromCommand,
    PasswordFromEnv,
    RemoteBuilder,
    SelectBuilder,
    WaitForEngine,
    text,
)
from sledgehammer.outcome import BuiltImage
from sledgehammer.plan import BuildPlan
from sledgehammer.report import parse_report
from sledgehammer.shell import render_script

NASTY = """it's "$HOME" `id` $(id) \\ * a=b;c"""


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """In a folder of its own."""
    return script_runner(tmp_path)


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

    ran = run_script(login, build(), REG="host:5000", PASS="s3cret %s\\n", REPO="r", SHA="s")

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
    cached = build(cache_from=(("type=registry,ref=", EnvVar("A")), ("type=registry,ref=c:main",)))

    same = run_script(cached, REPO="r", SHA="s", A="c:main").calls[-1]
    assert sources(same) == ["type=registry,ref=c:main"]

    other = run_script(cached, REPO="r", SHA="s", A="c:topic").calls[-1]
    assert sources(other) == ["type=registry,ref=c:topic", "type=registry,ref=c:main"]


@pytest.mark.parametrize(
    ("builder", "variables", "is_unpacked"),
    [
        (BuilderKind.ENGINE, {}, False),
        (BuilderKind.ENGINE, {"FAKE_VERSION": "25.0.3"}, True),
        (BuilderKind.ENGINE, {"FAKE_VERSION": "dev"}, True),
        (BuilderKind.ENGINE, {"FAKE_DRIVER": '[["Backing Filesystem","extfs"]]'}, True),
        (BuilderKind.CONTAINER, {}, True),
    ],
)
def test_the_engine_pushes_without_unpacking_where_it_is_known_to(
    run_script: RunScript, builder: BuilderKind, variables: dict[str, str], is_unpacked: bool
) -> None:
    """Everywhere else, an image store of the engine's own included, the push is the plain one."""
    ran = run_script(WaitForEngine(), SelectBuilder(kind=builder), build(), REPO="r", SHA="s", **variables)

    (call,) = [call for call in ran.calls if pushes(call)]
    assert ("unpack=false" not in call[call.index("--output") + 1]) is is_unpacked


def test_an_image_that_the_engine_has_not_pushed_fails_the_job(run_script: RunScript) -> None:
    """Rather than a later one that looks for it: buildx or BuildKit may come to read the empty push otherwise."""
    ran = run_script(WaitForEngine(), build(), REPO="r", SHA="s", FAKE_UNPUSHED="1")

    assert ran.exit_code == 1
    assert f"Docker 26.1.5 built {DIGEST} and did not push it" in ran.output


def test_the_builder_is_the_engines_own_only_where_it_can_export(run_script: RunScript) -> None:
    """On the classic image store a BuildKit of its own is created from a context that carries the TLS settings."""
    own = run_script(WaitForEngine(), SelectBuilder(), build(), REPO="r", SHA="s")
    assert "default" in own.calls[-1]

    (own.folder / "calls").unlink()
    apart = run_script(
        WaitForEngine(), SelectBuilder(), build(), REPO="r", SHA="s", FAKE_DRIVER='[["Backing Filesystem","extfs"]]'
    )
    assert [call[:2] for call in apart.calls] == [
        ["info", "--format"],
        ["context", "create"],
        ["buildx", "create"],
        ["buildx", "--builder"],
        ["buildx", "rm"],
    ]
    assert "docker-container" in apart.calls[2]
    assert apart.calls[2][-1] == apart.calls[1][2]
    assert apart.calls[3][2] == apart.calls[2][apart.calls[2].index("--name") + 1] != apart.calls[1][2]


def test_an_engine_that_never_answers_is_named(run_script: RunScript) -> None:
    """The wait is bounded and says which engine was asked, and what it said."""
    (run_script.folder / "bin" / "dead").touch()

    ran = run_script(WaitForEngine(timeout_s=1), build(), DOCKER_HOST="tcp://docker:2376", REPO="r", SHA="s")

    assert ran.exit_code != 0
    assert "the Docker engine at tcp://docker:2376 did not answer within 1 s" in ran.output
    assert "Cannot connect" in ran.output


def test_a_local_build_loads_instead_of_pushing(run_script: RunScript) -> None:
    """Nothing is pushed and no digest is demanded."""
    ran = run_script(build(push=False), REPO="web", SHA="abc")

    assert "--load" in ran.calls[-1]
    assert not pushes(ran.calls[-1])
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
            cache_from=((EnvVar("A"),), ("b",)),
            exports=(export(), export(writer=None, folder=(EnvVar("A"),)), export(attributes=(), image=("r:x",))),
        ),
        build(push=False),
        CacheFolder(path=".kept", key=("k",), fallback=("f",)),
        SelectBuilder(kind=BuilderKind.REMOTE, remote=RemoteBuilder(endpoint="tcp://b:1", ca="CA")),
        build(tool=BuildTool.BUILDKIT, cache_from=(("b",),), exports=(export(attributes=(), image=("r:x",)),)),
        build(tool=BuildTool.CLASSIC, stages=("a", "b"), cache_from=(("b",),), exports=(export(folder=("f",)),)),
        build(tool=BuildTool.CLASSIC, stages=("a",), exports=(export(attributes=(), image=("r:x",), target="a"),)),
    )
    names = ("R", "P", "REPO", "SHA", "A")
    given = "".join(f': "${{{name}?}}"\n' for name in names)
    script = "#!/bin/sh\n" + given + render_script(BuildPlan(operations=everything))

    done = subprocess.run(["shellcheck", "-"], input=script, capture_output=True, text=True, check=False)

    assert done.stdout == ""
    assert done.returncode == 0
