"""The stack's bridge network: its gateway is the host itself, reached alike from containers nested at any depth."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer.errors import RemoteError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.container_spec import label_flags
from sledgehammer_localstack.engine.addresses import (
    choose_subnet,
    engine_subnets,
    host_addresses,
    outgoing_mtu,
    read_routes,
)
from sledgehammer_localstack.engine.paths import name_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StackNetwork:
    """A network on the engine. `subnet` such as 10.213.0.0/24."""

    name: str
    subnet: str
    gateway: str

    def address(self, number: int) -> str:
        """A fixed address on it; the engine gives others only from the upper half."""
        return str(ipaddress.ip_network(self.subnet)[number])


def network_name(stack: str) -> str:
    """What the network of the stack of this name is called."""
    return f"sledge-{stack}"


def ensure_network(
    name: str, *, labels: Mapping[str, str], docker_host: str, runner: ProcessRunner, wanted_subnet: str
) -> StackNetwork:
    """Find or make the network. `wanted_subnet` (or empty) is what it had before: addresses stay where they can.

    Raises RemoteError when the engine lives on another machine, so that its gateway is not ours to listen on."""
    network = _find(name, docker_host, runner)
    if network is None:
        taken = [*read_routes(runner), *engine_subnets(runner, docker_host)]
        wanted = [ipaddress.IPv4Network(wanted_subnet)] if wanted_subnet else []
        free = [subnet for subnet in wanted if not any(subnet.overlaps(other) for other in taken)]
        subnet = free[0] if free else choose_subnet(taken)
        network = StackNetwork(name=name, subnet=str(subnet), gateway=str(subnet[1]))
        _create(network, labels=labels, docker_host=docker_host, runner=runner)
    if network.gateway not in host_addresses(runner):
        raise RemoteError(
            f"the engine at {docker_host} is not on this machine: its network {name} has the gateway "
            f"{network.gateway}, which no interface here has",
            hint="use an engine on this Linux machine (unset DOCKER_HOST); Docker Desktop runs in a virtual machine",
        )
    return network


def _create(network: StackNetwork, *, labels: Mapping[str, str], docker_host: str, runner: ProcessRunner) -> None:
    _, upper_half = ipaddress.ip_network(network.subnet).subnets()
    argv = (
        *("docker", "--host", docker_host, "network", "create", "--driver", "bridge"),
        *("--subnet", network.subnet, "--gateway", network.gateway, "--ip-range", str(upper_half)),
        *("--opt", f"com.docker.network.bridge.name=sls{name_digest(network.name + docker_host)}"),
        *("--opt", f"com.docker.network.driver.mtu={outgoing_mtu()}"),
        *label_flags(labels),
        network.name,
    )
    run_checked(runner, Command(argv=argv))


def _find(name: str, docker_host: str, runner: ProcessRunner) -> StackNetwork | None:
    template = "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}"
    argv = ("docker", "--host", docker_host, "network", "inspect", "--format", template, name)
    answer = runner.run(Command(argv=argv))
    if answer.exit_code != 0:
        return None
    subnet, gateway = answer.text.split()
    return StackNetwork(name=name, subnet=subnet, gateway=gateway)
