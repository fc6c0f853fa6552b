"""BuildKit in a container of its own, which a job's engine gets from the mirror."""

from pathlib import Path

import pytest

from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import fresh_engine
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.more_images import provide_images

pytestmark = [pytest.mark.engine, pytest.mark.on_request]

BUILDKIT = """set -eu
docker buildx create --name own --driver docker-container --bootstrap --use
docker buildx build --progress plain --push --tag "$MIRROR/own/greeting:1" \\
  --cache-to "type=registry,ref=$MIRROR/own/greeting:cache,mode=max" . 2>&1
docker buildx prune --all --force >/dev/null
docker buildx build --progress plain --cache-from "type=registry,ref=$MIRROR/own/greeting:cache" . 2>&1
docker buildx inspect own
docker buildx rm own
"""


def test_buildkit_in_a_container_of_its_own(stack: StackConfig, tmp_path: Path) -> None:
    """It comes from the mirror, pulls through the mirror, pushes image and cache over plain HTTP, and hits."""
    if not stack.mirror_address:
        pytest.skip("Docker Hub is reachable: there is no anonymous registry to push to")
    provide_images(stack, ["buildkit"], runner=LocalProcessRunner(), say=say_to_stderr)
    (tmp_path / "Dockerfile").write_text("FROM debian:trixie-slim\nRUN echo slept >/rest\n")
    with fresh_engine(stack, stack.docker_version, has_containerd_store=False) as engine:
        ran = engine.run(BUILDKIT, env={"MIRROR": stack.mirror_address}, folder=tmp_path)
    assert ran.exit_code == 0, ran.output
    assert "docker-container" in ran.output
    assert "CACHED" in ran.output
