"""What a stack that is up gives to jobs, looked at from outside and from containers."""

import json
import uuid
from collections.abc import Iterator

import pytest
import requests

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.engine.nested import NESTED_FILE
from sledgehammer_localstack.images.make import ensure_images
from sledgehammer_localstack.images.recipes import CODEBUILD_IMAGE
from sledgehammer_localstack.stack import status

pytestmark = pytest.mark.engine

PROCESSES = LocalProcessRunner()
LABEL = "sledgehammer.test=stack-parts"


def docker(stack: StackConfig, *words: str, input_bytes: bytes | None = None) -> str:
    """One docker command on the stack's engine."""
    argv = ("docker", "--host", stack.docker_host, *words)
    return run_checked(PROCESSES, Command(argv=argv, input_bytes=input_bytes), timeout_s=300).text


@pytest.fixture
def client(stack: StackConfig) -> Iterator[tuple[str, ...]]:
    """`docker run` words of a client container that shares a network and certificates with a fresh privileged
    docker:dind, as a CI job and its service do."""
    name = f"sledge-test-{uuid.uuid4().hex[:8]}"
    docker(stack, "network", "create", "--internal", "--label", LABEL, name)
    docker(stack, "volume", "create", "--label", LABEL, name)
    image = f"docker:{stack.docker_version}-dind"
    flags = ("--privileged", "--label", LABEL, "--volume", f"{name}:/certs", "--tmpfs", "/run", "--name", name)
    docker(stack, "create", *flags, "--network", stack.network, image)
    docker(stack, "network", "connect", "--alias", "docker", name, name)
    docker(stack, "cp", str(stack.state_dir / "engine" / NESTED_FILE), f"{name}:/etc/docker/daemon.json")
    docker(stack, "start", name)
    try:
        yield ("run", "--rm", "--interactive", "--network", name, "--volume", f"{name}:/certs:ro")
    finally:
        docker(stack, "rm", "--force", "--volumes", name)
        docker(stack, "volume", "rm", name)
        docker(stack, "network", "rm", name)


def await_inner_engine(stack: StackConfig, client: tuple[str, ...]) -> dict[str, object]:
    """What `docker info` in the client container says, once the service is ready."""
    argv = ("docker", "--host", stack.docker_host, *client, f"docker:{stack.docker_version}-cli")

    def read_facts() -> dict[str, object]:
        answer = PROCESSES.run(Command(argv=(*argv, "docker", "info", "--format", "{{json .}}")))
        facts: dict[str, object] = json.loads(answer.text or "{}")
        return facts

    return poll_until(
        read_facts,
        what="the start of docker-in-docker",
        is_final=lambda facts: bool(facts.get("ServerVersion")),  # the client alone has some facts to tell, too
        interval_s=0.5,
        deadline_s=90,
        clock=SystemClock(),
    )


def test_a_privileged_dind_service_answers_over_tls(stack: StackConfig, client: tuple[str, ...]) -> None:
    """The job's client finds `docker:2376` by itself, with the certificates that the service made."""
    facts = await_inner_engine(stack, client)

    assert str(facts["ServerVersion"]).startswith(stack.docker_version)
    assert ["driver-type", "io.containerd.snapshotter.v1"] in facts["DriverStatus"]  # type: ignore[operator]


def test_dind_without_a_client_certificate_is_refused(stack: StackConfig, client: tuple[str, ...]) -> None:
    """The service's port demands a certificate of its own authority."""
    await_inner_engine(stack, client)
    image = f"docker:{stack.docker_version}-cli"
    script = "curl --silent --show-error --cacert /certs/client/ca.pem https://docker:2376/info 2>&1; true"

    said = docker(stack, *client, "--entrypoint", "sh", image, "-c", script)

    assert "ServerVersion" not in said
    assert "certificate required" in said


def test_a_dockerfile_builds_upon_the_mirrors_images(stack: StackConfig, client: tuple[str, ...]) -> None:
    """An unchanged FROM resolves inside docker-in-docker, though the inner engine is empty."""
    await_inner_engine(stack, client)
    dockerfile = b"FROM debian:trixie-slim\nRUN test -s /etc/ssl/certs/ca-certificates.crt && echo built >/proof\n"
    build = ("docker", "build", "--quiet", "-")

    image = docker(stack, *client, f"docker:{stack.docker_version}-cli", *build, input_bytes=dockerfile)

    assert image.startswith("sha256:")


def test_gitlabs_registry_sends_clients_to_the_token_service(stack: StackConfig) -> None:
    """Without a token it names GitLab's own token service, as registry.gitlab.com does."""
    answer = requests.get(f"http://{stack.registry_address}/v2/", timeout=10)

    assert answer.status_code == 401
    assert answer.headers["Www-Authenticate"].startswith(f'Bearer realm="{stack.gitlab_url}/jwt/auth"')
    assert 'service="container_registry"' in answer.headers["Www-Authenticate"]


def test_mirror_and_ecr_storage_are_open(stack: StackConfig) -> None:
    """An engine sends a mirror no credentials; ECR's are checked by the AWS endpoint in front."""
    mirror = requests.get(f"http://{stack.mirror_address}/v2/library/debian/tags/list", timeout=10)

    assert "trixie-slim" in mirror.json()["tags"]
    assert requests.get(f"http://{stack.ecr_storage_address}/v2/", timeout=10).status_code == 200


def test_the_codebuild_image_starts_docker_when_privileged(stack: StackConfig) -> None:
    """A privileged build finds a running daemon, another one none; the AWS CLI is there either way."""
    script = "aws --version && (docker version --format '{{.Server.Version}}' 2>&1 || echo no engine)"

    privileged = docker(stack, "run", "--rm", "--privileged", CODEBUILD_IMAGE, "sh", "-c", script).splitlines()
    ordinary = docker(stack, "run", "--rm", CODEBUILD_IMAGE, "sh", "-c", script).splitlines()

    assert privileged[0].startswith("aws-cli/2.")
    assert privileged[-1].startswith(stack.docker_version)
    assert ordinary[-1] == "no engine"


def test_a_container_reaches_the_stacks_servers(stack: StackConfig) -> None:
    """The gateway's address is the same from inside as from here."""
    script = f"curl --fail --silent {stack.gitlab_url}/-/health && curl --fail --silent {stack.aws_url}/_health"

    docker(stack, "run", "--rm", "--network", stack.network, "--entrypoint", "sh", CODEBUILD_IMAGE, "-c", script)


def test_images_are_made_once(stack: StackConfig) -> None:
    """Asked again, nothing is made, and one line says so."""
    lines: list[str] = []

    again = ensure_images(stack.docker_host, runner=PROCESSES, say=lines.append)

    assert again.made == ()
    assert len(lines) == 1


def test_every_part_is_up(stack: StackConfig) -> None:
    """`sledge stack status` has nothing to complain about."""
    parts = status(stack.state_dir, runner=PROCESSES)

    assert {part.part for part in parts} >= {"engine", "gitlab", "aws", "runner", "gitlab-registry", "mirror"}
    assert all(part.is_up for part in parts), parts
