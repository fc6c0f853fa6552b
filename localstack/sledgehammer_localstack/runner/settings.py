"""What one runner is told: from a local stack's files, or from flags and a file of its own."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sledgehammer.errors import ConfigurationError
from sledgehammer.secret import Secret
from sledgehammer_localstack.config import load_secrets, load_stack
from sledgehammer_localstack.engine.buildx_files import client_files

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerSettings:
    """The docker executor. `volumes` are shared by the containers of one job. `engine_files` (path on this
    machine by path in the container) are copied into containers whose image holds a Docker engine of its own,
    `client_files` into every container."""

    docker_host: str
    network: str = "bridge"
    default_image: str = ""
    is_privileged: bool = True
    volumes: tuple[str, ...] = ("/cache", "/certs/client")
    engine_files: Mapping[str, Path] = field(default_factory=dict)
    client_files: Mapping[str, Path] = field(default_factory=dict)
    pull_policy: str = "if-not-present"
    services_timeout_s: float = 30.0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """One runner. `docker` None: scripts run on this machine. `work_dir` holds sources and caches."""

    url: str
    token: Secret
    work_dir: Path
    name: str = "sledgehammer"
    docker: DockerSettings | None = None
    concurrency: int = 2
    check_interval_s: float = 1.0
    log_interval_s: float = 1.0
    log_limit_bytes: int = 16 * MEBIBYTE

    @property
    def executor(self) -> str:
        """`docker` or `shell`, as the server shows it."""
        return "shell" if self.docker is None else "docker"

    @property
    def identity(self) -> str:
        """Marks what belongs to this runner, in this life and in an earlier one."""
        return hashlib.sha256(f"{self.url} {self.token.reveal()}".encode()).hexdigest()[:12]


def settings_from_stack(state_dir: Path) -> RunnerSettings:
    """The runner of the local stack in `state_dir`. Raises NotFoundError when there is none."""
    stack, secrets = load_stack(state_dir), load_secrets(state_dir)
    daemon_file = state_dir / "engine" / "dind-daemon.json"
    return RunnerSettings(
        url=stack.gitlab_url,
        token=secrets.gitlab_runner_token,
        work_dir=state_dir / "runner",
        name=f"sledgehammer {stack.name}",
        docker=DockerSettings(
            docker_host=stack.docker_host,
            network=stack.network,
            default_image=f"docker:{stack.docker_version}-cli",
            engine_files={"/etc/docker/daemon.json": daemon_file} if daemon_file.exists() else {},
            client_files=client_files(state_dir),
            labels={"sledgehammer.stack": stack.name},
        ),
    )


def settings_from_flags(*, url: str, token_file: Path, executor: str, config_file: Path) -> RunnerSettings:
    """A runner of its own. `config_file` is TOML: `work_dir`, `name`, `concurrency`, and for the docker executor a
    table `docker` with the fields of DockerSettings. Raises ConfigurationError naming an unknown key."""
    try:
        found = tomllib.loads(config_file.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{config_file} is not TOML that can be read: {error}") from error
    docker = found.pop("docker", None)
    _refuse_unknown(found, ("work_dir", "name", "concurrency"), config_file)
    if "work_dir" not in found:
        raise ConfigurationError(f"{config_file}: `work_dir` is missing")
    if executor == "docker" and docker is None:
        raise ConfigurationError(f"{config_file}: the docker executor needs a table [docker]")
    return RunnerSettings(
        url=url,
        token=_token(token_file),
        work_dir=Path(found["work_dir"]),
        name=found.get("name", "sledgehammer"),
        concurrency=int(found.get("concurrency", 2)),
        docker=_docker(docker, config_file) if executor == "docker" else None,
    )


def _token(file: Path) -> Secret:
    try:
        return Secret(file.read_text().strip(), source=str(file))
    except OSError as error:
        raise ConfigurationError(f"the runner's token cannot be read from {file}: {error.strerror}") from error


def _docker(found: Mapping[str, Any], config_file: Path) -> DockerSettings:
    _refuse_unknown(found, tuple(DockerSettings.__slots__), config_file)
    if "docker_host" not in found:
        raise ConfigurationError(f"{config_file}: `docker_host` of [docker] is missing")
    fields = dict(found)
    if "volumes" in fields:
        fields["volumes"] = tuple(fields["volumes"])
    for name in ("engine_files", "client_files"):
        fields[name] = {path: Path(source) for path, source in fields.get(name, {}).items()}
    return DockerSettings(**fields)


def _refuse_unknown(found: Mapping[str, Any], known: tuple[str, ...], config_file: Path) -> None:
    for name in found:
        if name not in known:
            raise ConfigurationError(f"{config_file}: unknown key `{name}` (known: {', '.join(known)})")
