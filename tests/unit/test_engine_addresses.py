"""Which addresses a stack and its engine take."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from sledgehammer.errors import ConflictError
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.engine.addresses import choose_subnet, parse_routes
from sledgehammer_localstack.engine.nested import nested_configuration, reachable_nameservers
from sledgehammer_localstack.engine.paths import engine_paths


def test_the_first_free_subnet_is_taken() -> None:
    """Networks that routes or the engine already have are left alone, whatever their size."""
    taken = [IPv4Network("10.213.0.0/24"), IPv4Network("10.213.1.128/25"), IPv4Network("192.168.0.0/16")]

    assert choose_subnet(taken) == IPv4Network("10.213.2.0/24")


def test_engines_and_stacks_look_from_both_ends() -> None:
    """An engine's own bridge never takes the place that a stack had."""
    assert choose_subnet([]) == IPv4Network("10.213.0.0/24")
    assert choose_subnet([], from_top=True) == IPv4Network("10.213.255.0/24")


def test_a_vpn_over_the_whole_pool_is_said() -> None:
    """No free network is an error, not an overlap."""
    with pytest.raises(ConflictError, match="no free /24"):
        choose_subnet([IPv4Network("10.0.0.0/8")])


def test_the_default_route_takes_nothing() -> None:
    """`default` leads everywhere; networks and single addresses count."""
    text = json.dumps([{"dst": "default"}, {"dst": "10.213.0.0/24"}, {"dst": "10.213.7.1"}, {"dst": "local"}])

    assert parse_routes(text) == [IPv4Network("10.213.0.0/24"), IPv4Network("10.213.7.1/32")]


def test_sockets_of_a_deep_state_directory_go_elsewhere(tmp_path: Path) -> None:
    """A Unix socket's path is at most 107 bytes long, those of containerd below it included."""
    deep = tmp_path / ("d" * 90) / "state"

    assert engine_paths(Path("/s")).socket == Path("/s/engine/docker.sock")
    assert engine_paths(deep).data_root.is_relative_to(deep)
    assert len(str(engine_paths(deep).exec_root / "containerd" / "containerd.sock.ttrpc")) < 107


def test_two_engines_share_nothing(tmp_path: Path) -> None:
    """Bridge and run directory differ by state directory; an interface's name has at most 15 bytes."""
    one, two = engine_paths(tmp_path / ("a" * 90)), engine_paths(tmp_path / ("b" * 90))

    assert one.bridge != two.bridge
    assert one.run != two.run
    assert len(one.bridge) <= 15


def stack(*, mirror: str) -> StackConfig:
    """Addresses of a stack."""
    return StackConfig(
        name="t",
        state_dir=Path("/s"),
        docker_host="unix:///s/engine/docker.sock",
        network="sledge-t",
        subnet="10.213.0.0/24",
        gateway="10.213.0.1",
        gitlab_port=8929,
        aws_port=4566,
        registry_address="10.213.0.2:5000",
        ecr_storage_address="10.213.0.3:5000",
        mirror_address=mirror,
        docker_version="26.1",
    )


def test_inner_engines_know_the_stacks_registries() -> None:
    """Both spellings of each plain-HTTP registry, the mirror, the small packet size, and a store that exports
    registry caches."""
    configuration = nested_configuration(stack(mirror="10.213.0.4:5000"), mtu=1400, dns=["10.0.0.53"])

    assert configuration["features"] == {"containerd-snapshotter": True}
    assert configuration["registry-mirrors"] == ["http://10.213.0.4:5000"]
    assert configuration["mtu"] == 1400
    assert configuration["dns"] == ["10.0.0.53"]
    plain = configuration["insecure-registries"]
    assert isinstance(plain, list)
    assert {"10.213.0.2:5000", "http://10.213.0.2:5000", "10.213.0.1:4566", "10.213.0.4:5000"} <= set(plain)


def test_without_a_mirror_inner_engines_ask_docker_hub() -> None:
    """Where Docker Hub is reachable there is no mirror to name."""
    configuration = nested_configuration(stack(mirror=""), mtu=1500, dns=[])

    assert "registry-mirrors" not in configuration
    assert "dns" not in configuration
    assert "" not in configuration["insecure-registries"]  # type: ignore[operator]


def test_inner_engines_ask_the_hosts_nameservers() -> None:
    """Not a stub on the loopback interface, which a container cannot reach: then what stands behind it."""
    stub = "# by systemd\nnameserver 127.0.0.53\noptions edns0\n"
    behind = "nameserver 10.0.0.53\nnameserver fe80::1%eth0\nsearch example.com\n"

    assert reachable_nameservers([stub, behind]) == ("10.0.0.53", "fe80::1")
    assert reachable_nameservers([behind, stub]) == ("10.0.0.53", "fe80::1")
    assert reachable_nameservers([stub]) == ()
