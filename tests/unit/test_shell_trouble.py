"""What the script says when a registry refuses something, and what it does about it: run by sh, with a docker that does
as it is told."""

import json
import os
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from sledgehammer.context import NoKey
from sledgehammer.operations import (
    Build,
    BuilderKind,
    BuildTool,
    CacheExport,
    CacheWriter,
    Operation,
    RemoteBuilder,
    Reuse,
    SelectBuilder,
    WaitForEngine,
)
from sledgehammer.plan import BuildPlan
from sledgehammer.shell import render_script

BLOB = "https://r/v2/c/blobs/sha256:ab"
FETCH = f"ERROR: failed to solve: failed to copy: httpReadSeeker: failed open: {BLOB}: 500 X"
PUT = "error writing manifest blob: failed commit on ref: unexpected status from PUT request to http://r/manifests/main"

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
argv = sys.argv[1:]
sys.stdout.reconfigure(line_buffering=True)
with (here / "calls").open("a") as file:
    file.write(json.dumps(argv) + "\\n")
if argv[0] == "info":
    print("28.5.2", os.environ.get("STORE", '[["driver-type","io.containerd.snapshotter.v1"]]'))
if argv[:2] == ["buildx", "create"] and "--driver" in argv and "NO_BUILDER" in os.environ:
    sys.exit(os.environ["NO_BUILDER"])
if argv[0] == "buildx" and "NO_BUILDX" in os.environ:
    sys.exit("unknown flag: --builder\\nSee 'docker --help'.")
if argv[0] == "push":
    sys.exit(os.environ.get("SAYS", ""))
if "inspect" in argv:
    print(os.environ.get("MANIFEST") if "--raw" in argv else (here / "ref").read_text(), flush=True)
    (here / "asked").touch()
if "build" in argv:
    print("#2 pushing manifest for r/web:1@sha256:ab")
    print("#3 importing cache manifest from r/c:main", os.environ.get("IMPORT", "#3 DONE 0.1s"), sep="\\n")
    print(*(f"#{n} [a {n}/{os.environ.get('STEPS', '9')}] RUN x\\n#{n} DONE 0.1s" for n in range(10, 13)), sep="\\n")
    print(*(f"#{n} [a {n}/400] RUN x" for n in range(20, 20 + int(os.environ.get("MORE", "0")))), sep="\\n")
    if "--metadata-file" in argv:
        metadata = pathlib.Path(argv[argv.index("--metadata-file") + 1])
        metadata.write_text(json.dumps({"containerimage.digest": "sha256:ab"}, indent=2))
    if "WRITTEN_MEANWHILE" in os.environ:
        for _ in range(1_000_000):
            if (here / "asked").exists():
                break
        (here / "ref").write_text("sha256:theirs")
    fails = os.environ.get("FAILS")
    if fails == "always" or (fails == "with a cache" and "--cache-from" in argv) or (fails in argv):
        print(os.environ["SAYS"], file=sys.stderr)
        sys.exit(1)
"""


def run(folder: Path, *operations: Operation, **variables: str) -> tuple[int, str, list[list[str]]]:
    """Exit code, both outputs, and the builds that docker was asked for."""
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (folder / "ref").write_text("sha256:before")
    for name in ("asked", "calls"):
        (folder / name).unlink(missing_ok=True)
    script = render_script(BuildPlan(operations=operations))
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), **variables}
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    recorded = folder / "calls"
    calls = [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []
    return done.returncode, done.stdout + done.stderr, [call for call in calls if "build" in call]


WRITER = CacheWriter(ref=("r/c:main",), shared=("r/c:main",), is_protected=("true",), here=("h",), home=("h",))
REUSE = Reuse(
    recipe=NoKey(reason="none"),
    copies=0,
    repository=("r/web",),
    tag=("1",),
    branch=("main",),
    is_protected=("true",),
    here=("h",),
    home=("h",),
    is_immutable=False,
)


def build(**changes: object) -> Build:
    """A pushed build with a registry cache."""
    export = CacheExport(
        what="registry cache", timeout_s=60, attributes=("type=registry,ref=", "r/c:main", ",mode=max"), writer=WRITER
    )
    fields: dict[str, object] = {
        "image": "web",
        "context": ".",
        "dockerfile": "Dockerfile",
        "target": "",
        "args": (("WORD", "--cache-from"),),
        "tags": (("r/web:1",),),
        "push": True,
        "cache_from": (("type=registry,ref=", "r/c:main"),),
        "exports": (export,),
        **changes,
    }
    return Build(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (f"{PUT}: 400 BAD REQUEST", "tags there cannot be moved, or it takes no cache of this form: sledge preflight"),
        (f"{PUT}: 405: tag main is immutable", "give the cache one whose tags can"),
        ("r/c: unexpected status from POST request to http://r: 403 Forbidden", "no right to that repository"),
        ("push access denied, insufficient_scope: authorization failed", "no right to that repository"),
        ("unexpected status from POST request to http://r/c/blobs: 404 Not Found", "sledge apply makes it"),
        ("unexpected status from PUT request to http://r: 503 Service Unavailable", "does not answer as it should"),
        ('failed to do request: Head "https://r/c": EOF', "does not answer as it should"),
        ("dial tcp 10.0.0.1:443: connect: connection refused", "does not answer as it should"),
        ("unexpected status from POST request to http://r: 429 Too Many Requests", "asked less often"),
        ("unexpected status from PATCH request to http://r: 413 Request Entity Too Large", "no layer of that size"),
    ],
)
def test_a_cache_that_a_registry_refuses_is_explained_and_fails_nothing(
    tmp_path: Path, answer: str, meaning: str
) -> None:
    """The image is delivered; the log has what the answer means, then the answer."""
    code, output, _ = run(tmp_path, build(), FAILS="--cache-to", SAYS=f"ERROR: failed to solve: {answer}")

    assert code == 0
    (line,) = [line for line in output.splitlines() if "registry cache not written" in line]
    assert line.startswith("sledge: image web: registry cache not written, the build goes on: ")
    assert meaning in line
    assert line.endswith(f": {answer}")


def test_an_answer_without_a_known_meaning_is_told_as_it_is(tmp_path: Path) -> None:
    """No guess."""
    _, output, _ = run(tmp_path, build(), FAILS="--cache-to", SAYS="ERROR: failed to solve: the moon is full")

    assert "registry cache not written, the build goes on: the moon is full\n" in output


@pytest.mark.parametrize("tool", [BuildTool.BUILDX, BuildTool.CLASSIC])
def test_a_push_that_fails_says_what_to_do(tmp_path: Path, tool: BuildTool) -> None:
    """The image was built: nobody need look for an error in the Dockerfile."""
    says = "ERROR: failed to solve: failed to push r/web:1: unexpected status from POST request to http://r: 502 Bad"

    code, output, builds = run(tmp_path, build(tool=tool, exports=(), cache_from=()), FAILS="--output", SAYS=says)

    assert code == 1
    (line,) = [line for line in output.splitlines() if line.startswith("sledge: image web: built, but")]
    assert "pushed; mend this and run the job again: the registry does not answer as it should: failed to push" in line
    assert len(builds) == 1


def test_a_layer_of_the_cache_that_cannot_be_fetched_is_built_instead(tmp_path: Path) -> None:
    """BuildKit itself fails then: the second build reads no cache, and is otherwise the same."""
    code, output, (first, second, *_) = run(tmp_path, build(), FAILS="with a cache", SAYS=FETCH)

    assert code == 0
    assert "image web: a layer could not be fetched, so it is built once more, without any cache: the" in output
    at = first.index("--cache-from")
    assert second == first[:at] + first[at + 2 :]
    assert "WORD=--cache-from" in second


@pytest.mark.parametrize(
    "says", ['ERROR: process "/bin/sh -c make" did not complete: exit code: 2', 'ERROR: "/source": not found']
)
def test_a_step_that_fails_is_not_tried_again(tmp_path: Path, says: str) -> None:
    """Without the cache it would fail as well, only later."""
    code, output, builds = run(tmp_path, build(), FAILS="always", SAYS=says)

    assert code == 1
    assert len(builds) == 1
    assert "the build failed with exit code 1" in output


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("r/c:main: not found", ""),
        ("unexpected status from HEAD request: 500 X", "goes on without it: the registry does not answer as it should"),
        ("blob sha256:ab is too large (1200000 > 1048576)", "goes on without it: BuildKit reads no cache whose"),
    ],
)
def test_a_cache_that_cannot_be_read_is_told(tmp_path: Path, error: str, said: str) -> None:
    """One that is not there yet is the usual case of a first build."""
    code, output, _ = run(tmp_path, build(), IMPORT=f"#3 ERROR: {error}")

    assert code == 0
    assert ("cache r/c:main not read" in output) == bool(said)
    assert said in output


@pytest.mark.parametrize("form", ['{\n "config": {%s}, "layers": []}', '{"manifests":[{"size":9},{%s}]}'])
def test_a_cache_that_no_build_will_be_able_to_read_is_told_at_once(tmp_path: Path, form: str) -> None:
    """With how large it is and what makes it smaller; few builds are large enough to be looked at."""
    config = '"mediaType": "application/vnd.buildkit.cacheconfig.v0",\n "digest": "sha256:ab", "size": 1048577'

    code, output, _ = run(tmp_path, build(reuse=REUSE), MORE="200", MANIFEST=form % config)

    assert code == 0
    (line,) = [line for line in output.splitlines() if "will not be read" in line]
    assert "registry cache will not be read, it has a description of 1048577 bytes" in line
    assert "cache: {mode: min} or fewer steps" in line
    _, output, _ = run(tmp_path, build(reuse=REUSE), MANIFEST=form % config)
    assert "will not be read" not in output


def test_the_last_of_two_writers_says_what_it_takes_away(tmp_path: Path) -> None:
    """The ref had another digest when the build began."""
    _, alone, _ = run(tmp_path, build(reuse=REUSE))
    code, after, _ = run(tmp_path, build(reuse=REUSE), WRITTEN_MEANWHILE="1")

    assert "another build has written it meanwhile" not in alone
    assert "image web: registry cache: another build has written it meanwhile" in after
    assert "registry cache written in" in after
    assert code == 0


CLASSIC_STORE = '[["Backing Filesystem","extfs"]]'


@pytest.mark.parametrize(
    ("kind", "variables", "said"),
    [
        (BuilderKind.ENGINE, {}, "the engine's own builder writes none on this engine"),
        (BuilderKind.AUTO, {"NO_BUILDER": "no image"}, "no BuildKit of its own could be started"),
    ],
)
def test_a_builder_that_writes_no_cache_here_is_not_asked_to(
    tmp_path: Path, kind: BuilderKind, variables: dict[str, str], said: str
) -> None:
    """Which store the engine has, the plan could not know: the job says it, and builds."""
    script = (WaitForEngine(), SelectBuilder(kind=kind), build())

    code, output, builds = run(tmp_path, *script, STORE=CLASSIC_STORE, **variables)

    assert code == 0
    assert len(builds) == 1
    assert f"image web: registry cache not written: {said}" in output
    code, output, builds = run(tmp_path, WaitForEngine(), SelectBuilder(kind=BuilderKind.ENGINE), build())
    assert (code, "--cache-to" in builds[-1]) == (0, True), output


def test_a_client_without_buildx_is_named(tmp_path: Path) -> None:
    """It is the job's image that lacks it, whatever the engine is."""
    code, output, _ = run(tmp_path, WaitForEngine(), build(), NO_BUILDX="1")

    assert code == 1
    assert "this job's docker client has no buildx, which Docker 28.5.2 could use; take an image such as" in output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CA": "/ca.pem"}, "builder remote: the variable KEY is not set"),
        (
            {"CA": "/ca.pem", "KEY": "/key.pem", "NO_BUILDER": "ERROR: context deadline exceeded"},
            "check the address and the variables of cache: remote: (CA, no certificate, KEY): "
            "ERROR: context deadline exceeded",
        ),
    ],
)
def test_a_remote_builder_that_does_not_let_a_job_in(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    """There is nothing else that the project wants to build with: one sentence, and the job ends."""
    remote = RemoteBuilder(endpoint="tcp://b:1", ca="CA", key="KEY")

    code, output, builds = run(tmp_path, SelectBuilder(kind=BuilderKind.REMOTE, remote=remote), build(), **variables)

    assert (code, builds) == (1, [])
    assert said in output.splitlines()[-1]


def test_the_functions_are_clean_by_shellcheck() -> None:
    """As POSIX sh, each with what it uses of the others."""
    names = ("prelude", "trouble", "export", "buildx", "reuse", "content_key", "cache_ref", "docker_build")
    parts = (files("sledgehammer.shell").joinpath(f"{name}.sh").read_text() for name in names)
    script = '#!/bin/sh\n# shellcheck disable=SC2329\n: "${sledge_buildkit?}"\n' + "\n".join(parts)

    done = subprocess.run(["shellcheck", "-"], input=script, capture_output=True, text=True, check=False)

    assert done.stdout == ""
