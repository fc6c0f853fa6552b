"""A BuildKit of its own for tests that look at what it really does with contexts and caches."""

import secrets
from collections.abc import Iterator

import pytest
from buildkit_box import BuildKitBox

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.images.recipes import CODEBUILD_IMAGE


@pytest.fixture(scope="module")
def buildkit(stack: StackConfig) -> Iterator[BuildKitBox]:
    """Trixie's Docker 26.1 on the containerd store; gone after the module."""
    engine = ContainerEngine(stack.docker_host)
    name = f"{stack.network}-buildkit-{secrets.token_hex(4)}"
    box = BuildKitBox(engine, name)
    spec = ContainerSpec(
        image=CODEBUILD_IMAGE,
        name=name,
        command=("tail", "-f", "/dev/null"),
        labels={"sledgehammer.stack": stack.name},
        network=stack.network,
        volumes=("/var/lib/docker", "/var/lib/containerd"),
        tmpfs=("/run",),
        privileged=True,
    )
    engine.create(spec)
    try:
        box.copy_in({stack.state_dir / "engine" / "dind-daemon.json": "etc/docker/daemon.json"})
        engine.start(name)
        poll_until(
            lambda: box.run("docker", "info")[0] == 0,
            what="BuildKit's engine",
            is_final=bool,
            interval_s=0.3,
            deadline_s=60,
            clock=SystemClock(),
        )
        yield box
    finally:
        engine.remove(name)
