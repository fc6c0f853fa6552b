"""Fresh engines of the oldest, the stack's own and the newest version, with a job beside each."""

from pathlib import Path

import pytest

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.fresh_engine import fresh_engine
from sledgehammer_localstack.images.on_request import ENGINE_VERSIONS, NEWEST
from sledgehammer_localstack.stack.options import LABEL

pytestmark = pytest.mark.engine

SCRIPT = """set -eu
echo "server $(docker version --format '{{.Server.Version}}') client $(docker version --format '{{.Client.Version}}')"
docker info --format 'store {{json .DriverStatus}}'
DOCKER_BUILDKIT=1 docker build --progress=plain --tag greeting . 2>&1
DOCKER_BUILDKIT=0 docker build --tag "$MIRROR/fresh/greeting:$TAG" . 2>&1
docker push "$MIRROR/fresh/greeting:$TAG"
docker run --rm greeting
exit 7
"""


def everything(stack: StackConfig) -> tuple[tuple[str, ...], ...]:
    """What the engine holds of a stack, and all its volumes."""
    engine = ContainerEngine(stack.docker_host)
    label = f"{LABEL}={stack.name}"
    return engine.list_containers(label=label), engine.list_networks(label=label), engine.list_volumes(label=label)


VERSIONS = [
    pytest.param(version, marks=pytest.mark.on_request if version == NEWEST else ()) for version in ENGINE_VERSIONS
]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_builds_runs_and_pushes_on_a_fresh_engine(stack: StackConfig, version: str, tmp_path: Path) -> None:
    """Base images come from the stack's mirror, pushes go to a plain-HTTP registry, and nothing is left."""
    if not stack.mirror_address:
        pytest.skip("Docker Hub is reachable: there is no anonymous registry to push to")
    (tmp_path / "Dockerfile").write_text("FROM debian:trixie-slim\nCOPY greeting /\nCMD cat /greeting\n")
    (tmp_path / "greeting").write_text("good morning\n")
    before = everything(stack)
    with fresh_engine(stack, version) as engine:
        ran = engine.run(SCRIPT, env={"MIRROR": stack.mirror_address, "TAG": version}, folder=tmp_path)
    assert ran.exit_code == 7, ran.output
    assert f"server {version}." in ran.output
    assert f"client {version}." in ran.output
    assert ("io.containerd.snapshotter.v1" in ran.output) == (version != "20.10")
    assert "\ngood morning\n" in ran.output
    assert ran.seconds > 0
    assert everything(stack) == before


def test_the_engine_remembers_and_jobs_do_not(stack: StackConfig, tmp_path: Path) -> None:
    """What one job built is on the engine for the next; what it wrote is gone. The older image store can be had."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    with fresh_engine(stack, stack.docker_version, has_containerd_store=False) as engine:
        first = engine.run("touch mine /mine && docker build --quiet --tag kept .", env={}, folder=tmp_path)
        again = engine.run("ls / . && docker images && docker info", env={}, folder=tmp_path)
    assert first.exit_code == again.exit_code == 0, first.output + again.output
    assert "kept" in again.output
    assert "mine" not in again.output
    assert "Storage Driver: overlay2" in again.output


def test_a_version_that_no_package_gives_is_refused(stack: StackConfig) -> None:
    """The error names what can be had."""
    with pytest.raises(ConfigurationError, match=r"no Docker 19\.03") as caught, fresh_engine(stack, "19.03"):
        pass
    assert "20.10, 26.1, 28.5" in (caught.value.hint or "")
