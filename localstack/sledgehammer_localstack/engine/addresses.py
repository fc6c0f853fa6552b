"""Free subnets on this host, and the packet size that its way out allows."""

import ipaddress
import json
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from sledgehammer.errors import ConflictError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.engine.install import which

STACK_POOL = "10.213.0.0/16"
"""Networks of stacks and bridges of their engines: /24 pieces of this."""

JOB_POOL = "10.214.0.0/16"
"""Where an engine of ours takes subnets that nobody names: away from 172.17/16, an inner dockerd's default."""

_USUAL_MTU = 1500


def choose_subnet(taken: Iterable[IPv4Network], *, from_top: bool = False) -> IPv4Network:
    """A /24 of the pool that overlaps none of `taken`; engines look from the top, stacks from the bottom, so
    that a stack keeps its address when engines come and go."""
    used = list(taken)
    pieces = list(ipaddress.IPv4Network(STACK_POOL).subnets(new_prefix=24))
    for piece in reversed(pieces) if from_top else pieces:
        if not any(piece.overlaps(network) for network in used):
            return piece
    raise ConflictError(f"no free /24 network is left in {STACK_POOL}", hint="end a stack: sledge stack down")


def parse_routes(text: str) -> list[IPv4Network]:
    """Networks that the kernel's IPv4 routing table (`ip -json route show table all`) already leads to."""
    names = [route["dst"] for route in json.loads(text or "[]")]
    networks = [ipaddress.ip_network(name) for name in names if name[:1].isdigit()]
    return [network for network in networks if isinstance(network, IPv4Network)]


def read_routes(runner: ProcessRunner) -> list[IPv4Network]:
    """What `parse_routes` finds on this host now."""
    argv = (which("ip") or "ip", "-4", "-json", "route", "show", "table", "all")
    return parse_routes(run_checked(runner, Command(argv=argv)).text)


def engine_subnets(runner: ProcessRunner, docker_host: str) -> list[IPv4Network]:
    """Subnets of all networks that the engine knows, in use or not."""
    docker = ("docker", "--host", docker_host, "network")
    listed = run_checked(runner, Command(argv=(*docker, "ls", "--quiet", "--no-trunc"))).text.split()
    if not listed:
        return []
    template = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
    argv = (*docker, "inspect", "--format", template, *listed)
    networks = [ipaddress.ip_network(name) for name in run_checked(runner, Command(argv=argv)).text.split()]
    return [network for network in networks if isinstance(network, IPv4Network)]


def outgoing_mtu() -> int:
    """The MTU of the interface with the default route (a VPN or cloud network may have less than 1500): larger
    packets out of containers would vanish without a word."""
    lines = Path("/proc/net/route").read_text().splitlines()[1:]
    interfaces = [fields[0] for fields in map(str.split, lines) if fields[1] == "00000000"]
    sizes = [int(Path("/sys/class/net", name, "mtu").read_text()) for name in interfaces]
    return min([_USUAL_MTU, *sizes])


def host_addresses(runner: ProcessRunner) -> list[str]:
    """IPv4 addresses of this host's interfaces."""
    argv = (which("ip") or "ip", "-4", "-json", "address", "show")
    interfaces = json.loads(run_checked(runner, Command(argv=argv)).text or "[]")
    return [entry["local"] for interface in interfaces for entry in interface.get("addr_info", [])]
