"""`sledge build` on a machine with Docker and buildx: a container that stands for a developer's laptop."""

import importlib.util
import secrets
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.report import parse_report
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.images.recipes import CODEBUILD_IMAGE

pytestmark = pytest.mark.engine

DOCKERFILE = """FROM debian:trixie-slim AS base
RUN echo made > /made
FROM base AS package
COPY message /message
RUN cat /made /message
"""
SLEDGE = """version: 1
name: local
docker: "26.1"
images: [{name: local, target: package, args: {UNUSED: "it's $HOME"}}]
"""
OURS = ("sledgehammer", "sledgehammer_gitlab", "sledgehammer_aws", "sledgehammer_localstack")
CALL = "import sys; from sledgehammer.cli.main import main; sys.exit(main(sys.argv[1:]))"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def laptop(stack: StackConfig, tmp_path: Path) -> Iterator[Run]:
    """Runs programs where Docker, buildx, git, Python and Sledgehammer's core are, and a small project lies."""
    engine = ContainerEngine(stack.docker_host)
    name = f"{stack.network}-laptop-{secrets.token_hex(4)}"
    volumes = ("/var/lib/docker", "/var/lib/containerd")
    spec = ContainerSpec(
        image=CODEBUILD_IMAGE,
        name=name,
        command=("tail", "-f", "/dev/null"),
        labels={"sledgehammer.stack": stack.name},
        network=stack.network,
        volumes=volumes,
        tmpfs=("/run",),
        privileged=True,
    )

    def run(*argv: str) -> tuple[int, str]:
        said = bytearray()
        env = {"PYTHONPATH": "/python", "GIT_CONFIG_COUNT": "0"}
        code = engine.exec(name, argv, on_output=said.extend, working_dir="/project", env=env)
        return code, said.decode()

    engine.create(spec)
    try:
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(stack.state_dir / "engine" / "dind-daemon.json", "etc/docker/daemon.json")
                for module in (*OURS, "ruamel.yaml", "tenacity", "yaml"):
                    tar.add(package_folder(module), f"python/{module.replace('.', '/')}")
                metadata = metadata_folder("sledgehammer")
                tar.add(metadata, f"python/{metadata.name}")
                for path, text in (("Dockerfile", DOCKERFILE), ("sledge.yaml", SLEDGE), ("message", "hello\n")):
                    (tmp_path / path).write_text(text)
                    tar.add(tmp_path / path, f"project/{path}")
            engine.copy_in(name, "/", file)
        engine.start(name)
        poll_until(
            lambda: run("docker", "info")[0] == 0,
            what="the laptop's engine",
            is_final=bool,
            interval_s=0.3,
            deadline_s=60,
            clock=SystemClock(),
        )
        commit = "git init -q -b main && git add . && git -c user.name=n -c user.email=e@e commit -q -m first"
        assert run("sh", "-c", commit) == (0, "")
        yield run
    finally:
        engine.remove(name)


def package_folder(module: str) -> Path:
    """Where an installed package lies."""
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def metadata_folder(distribution: str) -> Path:
    """Where the version of an installed distribution is written."""
    (found,) = (path for entry in sys.path for path in Path(entry).glob(f"{distribution}-*.dist-info"))
    return found


def test_a_local_build_leaves_the_image_in_the_engine_and_repeats_from_its_cache(laptop: Run) -> None:
    """The image is there under its commit and runs; the second build takes every step from the engine's cache; an
    uncommitted change is built, and its tag says so; a broken Dockerfile ends in 9."""
    code, said = laptop("python3", "-c", CALL, "build")
    assert code == 0, said
    tag = laptop("sh", "-c", "echo local:$(git rev-parse --short=12 HEAD)")[1].strip()
    assert laptop("docker", "run", "--rm", tag, "cat", "/message") == (0, "hello\n")

    code, said = laptop("python3", "-c", CALL, "build")
    (image,) = parse_report(said.splitlines())
    assert (code, image.cached_steps, image.total_steps) == (0, 3, 3)

    assert laptop("sh", "-c", "echo changed > message")[0] == 0
    code, said = laptop("python3", "-c", CALL, "build")
    (image,) = parse_report(said.splitlines())
    assert (code, image.cached_steps) == (0, 1)
    assert laptop("docker", "run", "--rm", f"{tag}-dirty", "cat", "/message") == (0, "changed\n")

    assert laptop("sh", "-c", "echo 'RUN false' >> Dockerfile")[0] == 0
    code, said = laptop("python3", "-c", CALL, "build")
    assert code == 9
    assert "Traceback" not in said
