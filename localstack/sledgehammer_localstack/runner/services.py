"""Services of a job: the names they answer to and the wait until they do."""

import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.payload import Service
from sledgehammer_localstack.runner.trace import JobTrace

_PAUSE_S = 0.2
_DIAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A started service: its container and the ports of which one has to answer (none: nothing to wait for)."""

    name: str
    container: str
    ports: tuple[int, ...]


def service_names(service: Service) -> tuple[str, ...]:
    """Host names of a service: from its image (`a/b:1` is `a__b` and `a-b`, a registry's port is left out) and
    its alias, which may hold several. Source: GitLab's page "Services", "Accessing the services"."""
    image = service.name.partition("@")[0]
    registry, slash, rest = image.partition("/")
    if slash:
        image = f"{registry.partition(':')[0]}/{rest.rpartition('/')[0]}"
        image = image.rstrip("/") + "/" + rest.rpartition("/")[2].partition(":")[0]
    else:
        image = image.partition(":")[0]
    names = [image.replace("/", "__"), image.replace("/", "-"), *re.split(r"[\s,]+", service.alias)]
    return tuple(dict.fromkeys(name for name in names if name))


def ports_to_dial(exposed: Sequence[int], environment: Mapping[str, str]) -> tuple[int, ...]:
    """What the image exposes, unless the service's HEALTHCHECK_TCP_PORT names the one port that counts."""
    asked = environment.get("HEALTHCHECK_TCP_PORT", "")
    return (int(asked),) if asked.isdecimal() else tuple(exposed)


def wait_for_services(
    services: Sequence[RunningService],
    *,
    engine: ContainerEngine,
    network: str,
    timeout_s: float,
    interruption: Interruption,
    trace: JobTrace,
) -> None:
    """Wait until every service answers on one of its ports, at most `timeout_s` in all. A service that does not is
    a warning with its log, and the job goes on, as with GitLab's runner."""
    pending = {service.container: service for service in services if service.ports}
    deadline = time.monotonic() + timeout_s
    while pending:
        for container, service in list(pending.items()):
            state = engine.inspect(container)
            if not state.is_running:
                del pending[container]
                _complain(service, f"its container ended with exit code {state.exit_code}", engine, trace)
            elif any(_answers(state.addresses.get(network, ""), port) for port in service.ports):
                del pending[container]
        if pending and time.monotonic() >= deadline:
            break
        interruption.wait(_PAUSE_S if pending else 0)
    for service in pending.values():
        ports = ", ".join(map(str, service.ports))
        _complain(service, f"no answer on port {ports} within {timeout_s:g} s", engine, trace)


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=_DIAL_S):
            return bool(address)
    except OSError:
        return False


def _complain(service: RunningService, cause: str, engine: ContainerEngine, trace: JobTrace) -> None:
    trace.warn(f"service {service.name} probably did not start properly: {cause}. The end of its log:")
    trace.note(engine.logs(service.container, tail=50))
