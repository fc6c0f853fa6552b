"""The configuration of engines inside jobs, as a team's runner mounts it into docker-in-docker services."""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.engine.addresses import outgoing_mtu

NESTED_FILE = "dind-daemon.json"
_FIRST_WITH_STORE = 24
_RESOLVER_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
"""The second holds what stands behind systemd-resolved's stub on 127.0.0.53 (systemd-resolved.service(8))."""


def nested_configuration(config: StackConfig, *, mtu: int, dns: Iterable[str]) -> dict[str, object]:
    """What /etc/docker/daemon.json of an inner engine says. The containerd image store lets the default builder
    export its cache to a registry. BuildKit before 23 wants plain-HTTP registries named with their scheme.

    `dns` are the host's nameservers: an inner engine sees only Docker's 127.0.0.11, which is no use to its own
    containers, and would fall back to public ones that a company's network blocks."""
    plain = [config.registry_address, config.ecr_address, *filter(None, [config.mirror_address])]
    mirror = {"registry-mirrors": [f"http://{config.mirror_address}"]} if config.mirror_address else {}
    return {
        "features": {"containerd-snapshotter": True},
        "insecure-registries": [form for address in plain for form in (address, f"http://{address}")],
        "mtu": mtu,
        **({"dns": servers} if (servers := list(dns)) else {}),
        **mirror,
    }


def suited_to(version: str, configuration: Mapping[str, object], *, has_containerd_store: bool) -> Mapping[str, object]:
    """The configuration for an engine of `major.minor`: Docker before 24 knows no containerd image store, and a
    later one may do without."""
    if has_containerd_store and int(version.partition(".")[0]) >= _FIRST_WITH_STORE:
        return configuration
    return {key: value for key, value in configuration.items() if key != "features"}


def reachable_nameservers(resolver_texts: Iterable[str]) -> tuple[str, ...]:
    """The nameservers of the first resolv.conf(5) that names one which a container could reach: not a loopback one."""
    for text in resolver_texts:
        words = [line.split() for line in text.splitlines()]
        named = [word[1].partition("%")[0] for word in words if len(word) > 1 and word[0] == "nameserver"]
        if usable := [address for address in named if not ipaddress.ip_address(address).is_loopback]:
            return tuple(usable)
    return ()


def write_nested_configuration(config: StackConfig) -> Path:
    """Write it to `<state>/engine/dind-daemon.json`."""
    path = config.state_dir / "engine" / NESTED_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    dns = reachable_nameservers(file.read_text() for file in _RESOLVER_FILES if file.exists())
    path.write_text(json.dumps(nested_configuration(config, mtu=outgoing_mtu(), dns=dns), indent=2) + "\n")
    return path
