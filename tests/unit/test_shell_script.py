"""The rendered script, run for real by sh against a docker that records how it was called."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sledgehammer.operations import (
    Build,
    BuilderKind,
    BuildTool,
    CacheExport,
    CacheFolder,
    CacheWriter,
    EnvVar,
    Login,
    Operation,
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

DIGEST = "sha256:" + "a" * 64
NASTY = """it's "$HOME" `id` $(id) \\ * a=b;c"""

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys, time
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
    driver = os.environ.get("FAKE_DRIVER", '[["driver-type","io.containerd.snapshotter.v1"]]')
    print(os.environ.get("FAKE_VERSION", "26.1.5"), driver)
if "--cache-to" in argv and "FAKE_HANG" in os.environ:
    time.sleep(60)
if "--cache-to" in argv and "FAKE_EXPORT" in os.environ:
    print("denied", file=sys.stderr)
    sys.exit(1)
if "--cache-to" in argv:
    attributes = dict(pair.split("=", 1) for pair in argv[argv.index("--cache-to") + 1].split(","))
    if "dest" in attributes:
        pathlib.Path(attributes["dest"]).mkdir()
        (pathlib.Path(attributes["dest"]) / "index.json").touch()
    sys.exit()
if "FAKE_CACHED" in os.environ:
    print("#7 [build 3/3] RUN make", "#7 CACHED", sep="\\n", file=sys.stderr)
elif "build" in argv:
    print("#5 [build 1/3] FROM docker.io/library/rust:1", "#5 DONE 1.0s", "#6 [build 2/3] COPY . .", "#6 CACHED",
          "#7 [build 3/3] RUN make", "#7 0.1 [x 1/2] not a step", "#7 DONE 2.0s", "#8 [stage-1 2/2] COPY a b",
          "#8 CACHED", "#5 sha256:ab 1MB / 2MB", "#9 [stage-1 3/3] RUN x", "#9 sha256:ab 1kB / 1kB 0.1s done",
          "#9 extracting sha256:ab 0.1s done", "#9 DONE 0.2s", "#10 [b 1/1] RUN sha256sum y", "#10 sha256:abcd",
          "#10 0.2 sha256:ab",
          "#10 DONE 0.2s", sep="\\n", file=sys.stderr)
if "build" in argv:
    metadata = argv[argv.index("--metadata-file") + 1]
    pathlib.Path(metadata).write_text(json.dumps({"containerimage.digest": "DIGEST"}, indent=2))
    if "FAKE_UNPUSHED" not in os.environ:
        print("#11 pushing manifest for r/web:s@DIGEST 0.1s done", file=sys.stderr)
    sys.exit(int(os.environ.get("FAKE_EXIT", "0")))
""".replace("DIGEST", DIGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a script did: its exit code, both outputs, and docker's calls."""

    exit_code: int
    output: str
    calls: list[list[str]]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScript:
    """Runs operations in `folder` with the recording docker first on the PATH."""

    folder: Path

    def __call__(self, *operations: Operation, **variables: str) -> Ran:
        script = render_script(BuildPlan(operations=operations))
        tools = self.folder / "bin"
        environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(self.folder), **variables}
        done = subprocess.run(
            ["sh", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        recorded = tools / "calls"
        calls = [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []
        return Ran(exit_code=done.returncode, output=done.stdout + done.stderr, calls=calls, folder=tools)


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """In a folder of its own."""
    project = tmp_path / "project"
    (project / "bin").mkdir(parents=True)
    docker = project / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return RunScript(folder=project)


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


def export(**changes: object) -> CacheExport:
    """A registry cache that the job of a protected default branch writes."""
    writer = CacheWriter(ref=(EnvVar("A"),), shared=("c:main",), is_protected=(EnvVar("P"),), here=("x",), home=("x",))
    fields: dict[str, object] = {"what": "cache", "timeout_s": 60, "writer": writer}
    return CacheExport(**{**fields, "attributes": ("type=registry,ref=", EnvVar("A"), ",mode=max"), **changes})  # type: ignore[arg-type]


def sources(call: list[str]) -> list[str]:
    """What a build reads as cache."""
    return [call[index + 1] for index, word in enumerate(call) if word == "--cache-from"]


def pushes(call: list[str]) -> bool:
    """Whether a build delivers to a registry."""
    return "--output" in call and call[call.index("--output") + 1].startswith("type=image,push=")


def test_a_cache_ref_that_equals_an_earlier_one_is_read_once(run_script: RunScript) -> None:
    """On the default branch the fallback is the own ref."""
    cached = build(cache_from=(("type=registry,ref=", EnvVar("A")), ("type=registry,ref=c:main",)))

    same = run_script(cached, REPO="r", SHA="s", A="c:main").calls[-1]
    assert sources(same) == ["type=registry,ref=c:main"]

    other = run_script(cached, REPO="r", SHA="s", A="c:topic").calls[-1]
    assert sources(other) == ["type=registry,ref=c:topic", "type=registry,ref=c:main"]


def test_the_cache_is_exported_after_the_push(run_script: RunScript) -> None:
    """By a second build with the same inputs, which delivers nothing; the log says what was written."""
    cached = build(cache_from=(("type=registry,ref=c:main",),), exports=(export(),))

    ran = run_script(cached, REPO="r", SHA="s", A="c:main", P="true")

    first, second = [call for call in ran.calls if "build" in call]
    assert pushes(first)
    assert "--cache-to" not in first
    assert second[second.index("--cache-to") + 1] == "type=registry,ref=c:main,mode=max"
    assert second[second.index("--output") + 1] == "type=cacheonly"
    assert not {"--load", "--tag"} & set(second)
    assert sources(second) == sources(first)
    assert second[second.index("--target") + 1] == "package"
    assert "image web: cache written in" in ran.output


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
    call = run_script(WaitForEngine(), SelectBuilder(kind=builder), build(), REPO="r", SHA="s", **variables).calls[-1]

    assert pushes(call)
    assert ("unpack=false" not in call[call.index("--output") + 1]) is is_unpacked


def test_an_image_that_the_engine_has_not_pushed_fails_the_job(run_script: RunScript) -> None:
    """Rather than a later one that looks for it: buildx or BuildKit may come to read the empty push otherwise."""
    ran = run_script(WaitForEngine(), build(), REPO="r", SHA="s", FAKE_UNPUSHED="1")

    assert ran.exit_code == 1
    assert f"Docker 26.1.5 built {DIGEST} and did not push it" in ran.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"A": "c:main", "P": "false"}, "this branch is not protected"),
        ({"A": "c:topic", "P": "false", "FAKE_CACHED": "1"}, "every step was cached"),
        ({"A": "c:topic", "P": "false", "FAKE_EXPORT": "1"}, "the build goes on: this job's user has no right"),
    ],
)
def test_a_cache_that_is_not_written_fails_no_build(
    run_script: RunScript, variables: dict[str, str], said: str
) -> None:
    """Unprotected branches keep off the shared ref, nothing new is not written again, a registry may refuse."""
    ran = run_script(build(exports=(export(),)), REPO="r", SHA="s", **variables)

    assert said in ran.output
    assert ran.exit_code == 0


def test_a_fork_writes_no_cache(run_script: RunScript) -> None:
    """Its own ref neither: the log says that it only reads."""
    writer = CacheWriter(ref=("a",), shared=("b",), is_protected=("true",), here=(EnvVar("HERE"),), home=("home",))
    forked = build(exports=(export(writer=writer),))

    ran = run_script(forked, REPO="r", SHA="s", A="a", HERE="fork")

    assert "fork is a fork of home and only reads its cache" in ran.output
    assert len([call for call in ran.calls if "build" in call]) == 1


def test_an_export_is_cut_off_at_its_limit(run_script: RunScript) -> None:
    """A registry that hangs costs the build no more than that."""
    ran = run_script(build(exports=(export(timeout_s=1),)), REPO="r", SHA="s", A="a", P="true", FAKE_HANG="1")

    assert "cut off after 1 s" in ran.output
    assert ran.exit_code == 0


def test_a_cache_in_a_folder_is_replaced_whole(run_script: RunScript) -> None:
    """The folder comes from the project's folder, lies beside it while images are built, and goes back at the end."""
    folder = CacheFolder(path=".kept", key=("k",), fallback=("f",))
    place = (EnvVar("sledge_cache"), "/web")
    cached = build(
        cache_from=(("type=local,src=", *place),),
        exports=(export(attributes=("type=local,dest=", *place, ".new"), folder=place, writer=None),),
    )
    project = run_script.folder
    first = run_script(folder, cached, REPO="r", SHA="s")
    assert sources(first.calls[-1]) == []
    assert (project / ".kept/web/index.json").exists()

    second = run_script(folder, cached, REPO="r", SHA="s")
    assert sources(second.calls[-1]) == [f"type=local,src={project}..kept/web"]
    assert [path.name for path in project.glob("**/index.json")] == ["index.json"]


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
