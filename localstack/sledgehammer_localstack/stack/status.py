"""What of a stack runs."""

from dataclasses import dataclass
from pathlib import Path

from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.config import StackConfig, load_secrets, load_stack
from sledgehammer_localstack.engine.find import ask_version
from sledgehammer_localstack.registry import containers as registry_containers
from sledgehammer_localstack.stack.servers import has_runner, is_answering, is_server_running, servers


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """One part of a stack. `state`: running, stopped, or silent: its process lives but does not answer."""

    part: str
    state: str
    endpoint: str

    @property
    def is_up(self) -> bool:
        """Whether it does its work."""
        return self.state == "running"


def status(state_dir: Path, *, runner: ProcessRunner) -> tuple[PartStatus, ...]:
    """Every part of the stack in this directory, looked at now; the runner appears only where it was started or
    should run. Raises NotFoundError when no stack was made there."""
    config = load_stack(state_dir)
    version = ask_version(runner, config.docker_host)
    engine = PartStatus(part="engine", state=_word(bool(version)), endpoint=config.docker_host)
    return (engine, *_registry_parts(config), *_server_parts(config))


def _registry_parts(config: StackConfig) -> list[PartStatus]:
    found = registry_containers.registries(config, load_secrets(config.state_dir))
    return [
        PartStatus(
            part=registry.part,
            state=_word(registry_containers.is_answering(registry.address)),
            endpoint=f"http://{registry.address}",
        )
        for registry in found
    ]


def _server_parts(config: StackConfig) -> list[PartStatus]:
    parts = []
    for server in servers(config, with_runner=has_runner(config.state_dir)):
        is_alive = is_server_running(server.part, config.state_dir)
        state = "silent" if is_alive and not is_answering(server) else _word(is_alive)
        parts.append(PartStatus(part=server.part, state=state, endpoint=server.endpoint))
    return parts


def _word(is_up: bool) -> str:
    return "running" if is_up else "stopped"
