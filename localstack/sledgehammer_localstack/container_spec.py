"""What a container is made from and looks like, and how it becomes flags of the `docker` command."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sledgehammer.errors import ConfigurationError

# docker reads environment files by bufio.Scanner: a line ends at 64 KiB and loses a trailing \r.
_ENV_FILE_LIMIT = 60_000
_CLIENT_READS = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """What `docker create` is told. `volumes`: `name:/path` for a named volume, `/path` for an anonymous one
    that goes with the container. `entrypoint`: None keeps the image's own; `("",)` or more replaces it."""

    image: str
    name: str
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    volumes: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    privileged: bool = False
    is_interactive: bool = False  # standard input stays open for `run`
    working_dir: str = ""
    hostname: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """What `docker inspect` says; `addresses` maps a network's name to the container's IPv4 address there."""

    is_running: bool
    exit_code: int
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What an image declares: TCP ports it exposes and the paths of its volumes."""

    tcp_ports: tuple[int, ...]
    volumes: tuple[str, ...]


def create_flags(spec: ContainerSpec) -> list[str]:
    flags = label_flags(spec.labels)
    flags += ["--entrypoint", spec.entrypoint[0]] if spec.entrypoint is not None else []
    flags += ["--network", spec.network] if spec.network else []
    flags += [flag for volume in spec.volumes for flag in ("--volume", volume)]
    flags += [flag for path in spec.tmpfs for flag in ("--tmpfs", path)]
    flags += ["--privileged"] if spec.privileged else []
    flags += ["--interactive"] if spec.is_interactive else []
    flags += ["--workdir", spec.working_dir] if spec.working_dir else []
    flags += ["--hostname", spec.hostname] if spec.hostname else []
    return flags + (["--user", spec.user] if spec.user else [])


def label_flags(labels: Mapping[str, str]) -> list[str]:
    return [flag for key, value in labels.items() for flag in ("--label", f"{key}={value}")]


@contextlib.contextmanager
def environment_flags(env: Mapping[str, str]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Flags for docker and variables for its client that together hand `env` to a container.

    A file holds one line per variable, so a value with a line break goes by the client's environment."""
    lines = {name: value for name, value in env.items() if _fits_a_line(value)}
    by_client = {name: value for name, value in env.items() if name not in lines}
    for name in by_client:
        if name.startswith("DOCKER_") or name.upper() in _CLIENT_READS:
            raise ConfigurationError(f"variable {name} cannot hold a value of several lines in a container")
    if not env:
        yield [], {}
        return
    with tempfile.NamedTemporaryFile("w", prefix="env-", encoding="utf-8", newline="") as file:
        file.write("".join(f"{name}={value}\n" for name, value in lines.items()))
        file.flush()
        yield ["--env-file", file.name, *(f for name in by_client for f in ("--env", name))], by_client


def _fits_a_line(value: str) -> bool:
    return "\n" not in value and not value.endswith("\r") and len(value.encode()) < _ENV_FILE_LIMIT
