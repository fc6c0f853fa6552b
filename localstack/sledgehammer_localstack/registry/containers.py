"""The stack's three registries: GitLab's, the storage behind the AWS endpoint, and the Docker Hub mirror."""

import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from sledgehammer.errors import NotFoundError, RemoteError, TimedOutError
from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.config import StackConfig, StackSecrets
from sledgehammer_localstack.container_spec import environment_flags, label_flags
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.images.recipes import REGISTRY_IMAGE

PORT = 5000
GITLAB_PLACE, ECR_PLACE, MIRROR_PLACE = 2, 3, 4
"""Their fixed host numbers on the stack's network; 1 is the gateway."""

_MIRROR = "mirror"
_CERTIFICATE = "gitlab-signing.crt"
_CERTIFICATE_FOLDER = "/etc/docker/registry"
_READY_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One registry container. `files`: texts to lie in its configuration folder; `part`: its name in
    the stack."""

    part: str
    address: str
    env: Mapping[str, str] = field(repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    is_published: bool = False  # on a port of 127.0.0.1 too, which every engine takes for a plain-HTTP registry

    def container(self, stack: str) -> str:
        """The container's name, which its volume has too."""
        return f"sledge-{stack}-{self.part}"


def registries(config: StackConfig, secrets: StackSecrets) -> tuple[Registry, ...]:
    """The registries of a stack; no mirror where Docker Hub itself is reachable. Settings: distribution 2.8,
    "Configuring a registry"; each key is given as REGISTRY_…"""
    deletable = {"REGISTRY_STORAGE_DELETE_ENABLED": "true"}
    token = {
        "REGISTRY_AUTH": "token",
        "REGISTRY_AUTH_TOKEN_REALM": f"{config.gitlab_url}/jwt/auth",
        "REGISTRY_AUTH_TOKEN_SERVICE": "container_registry",
        "REGISTRY_AUTH_TOKEN_ISSUER": "gitlab-issuer",
        "REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE": f"{_CERTIFICATE_FOLDER}/{_CERTIFICATE}",
    }
    gitlab = Registry(
        part="gitlab-registry",
        address=config.registry_address,
        env={**deletable, **token},
        files={_CERTIFICATE: secrets.registry_certificate},
    )
    # The AWS endpoint passes uploads on under its own address: locations must not name this one.
    relative = {"REGISTRY_HTTP_RELATIVEURLS": "true"}
    ecr = Registry(part="ecr-storage", address=config.ecr_storage_address, env={**deletable, **relative})
    mirror = Registry(part=_MIRROR, address=config.mirror_address, env=deletable, is_published=True)
    return (gitlab, ecr, mirror) if config.mirror_address else (gitlab, ecr)


def mirror_container(stack: str) -> str:
    """The container of a stack's Docker Hub mirror."""
    return Registry(part=_MIRROR, address="", env={}).container(stack)


def ensure_registry(
    registry: Registry, config: StackConfig, *, labels: Mapping[str, str], runner: ProcessRunner
) -> None:
    """Have the registry running and answering; its data lies in a volume of the container's name."""
    name = registry.container(config.name)
    engine = ContainerEngine(config.docker_host)
    try:
        state = engine.inspect(name)
    except NotFoundError:
        _create(registry, config, labels=labels, runner=runner)
    else:
        if state.is_running and state.addresses.get(config.network) == _ip(registry):
            return
        engine.remove(name)
        _create(registry, config, labels=labels, runner=runner)
    engine.start(name)
    _await_answer(registry, lambda: engine.logs(name, tail=5))


def _create(registry: Registry, config: StackConfig, *, labels: Mapping[str, str], runner: ProcessRunner) -> None:
    name = registry.container(config.name)
    docker = ("docker", "--host", config.docker_host)
    run_checked(runner, Command(argv=(*docker, "volume", "create", *label_flags(labels), name)))
    with environment_flags(registry.env) as (flags, client_env):
        argv = (
            *docker,
            *("create", "--name", name, *label_flags(labels), *flags),
            *("--network", config.network, "--ip", _ip(registry)),
            *("--volume", f"{name}:/var/lib/registry"),
            *(("--publish", f"127.0.0.1::{PORT}") if registry.is_published else ()),
            REGISTRY_IMAGE,
        )
        run_checked(runner, Command(argv=argv, env=client_env))
    if registry.files:
        argv = (*docker, "cp", "-", f"{name}:{_CERTIFICATE_FOLDER}")
        run_checked(runner, Command(argv=argv, input_bytes=_tar(registry.files)))


def is_answering(address: str) -> bool:
    """Whether a registry answers there, credentials asked for or not."""
    try:
        status = requests.get(f"http://{address}/v2/", timeout=5).status_code
    except requests.RequestException:
        return False
    return status in {200, 401}


def _await_answer(registry: Registry, read_log: Callable[[], str]) -> None:
    try:
        poll_until(
            lambda: is_answering(registry.address),
            what=f"the start of the registry {registry.part} at {registry.address}",
            is_final=bool,
            interval_s=0.1,
            longest_interval_s=1.0,
            deadline_s=_READY_TIMEOUT_S,
            clock=SystemClock(),
        )
    except TimedOutError as error:
        raise RemoteError(f"{error.message}; its log ends: {read_log()}") from error


def _ip(registry: Registry) -> str:
    return registry.address.partition(":")[0]


def _tar(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()
