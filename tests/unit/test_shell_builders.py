"""What the script does with a builder that cannot do what the plan took for granted."""

from pathlib import Path

import pytest
from told_docker import build, run

from sledgehammer.operations import BuilderKind, RemoteBuilder, SelectBuilder, WaitForEngine

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


def test_a_cache_whose_builder_does_not_start_fails_no_build(tmp_path: Path) -> None:
    """Inline and S3 caches want a BuildKit in a container; without one the engine's own builds, and reads no cache of a
    kind that it may not know. The project's own wish for a container is no cache's."""
    wanted = SelectBuilder(kind=BuilderKind.CONTAINER, for_cache=True)

    code, output, builds = run(tmp_path, WaitForEngine(), wanted, build(), NO_BUILDER="no such image")

    assert (code, len(builds)) == (0, 1), output
    assert "--cache-from" not in builds[0]
    assert "WORD=--cache-from" in builds[0]
    assert "builder: engine" in output
    assert "BuildKit could not be started: no such image; the build goes on by the engine's own" in output
    assert "image web: registry cache not written: no BuildKit of its own could be started" in output
    code, output, builds = run(
        tmp_path, WaitForEngine(), SelectBuilder(kind=BuilderKind.CONTAINER), build(), NO_BUILDER="no such image"
    )
    assert (code, builds) == (1, [])


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
