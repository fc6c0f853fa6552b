"""What jobs' buildx is told of the stack's registries."""

import base64
import json
import tomllib
from dataclasses import replace
from pathlib import Path

from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.engine.buildx_files import buildx_files, client_files, write_buildx_files


def config(state_dir: Path) -> StackConfig:
    return StackConfig(
        name="t",
        state_dir=state_dir,
        docker_host="unix:///nowhere",
        network="sledge-t",
        subnet="10.9.0.0/24",
        gateway="10.9.0.1",
        gitlab_port=1,
        aws_port=2,
        registry_address="10.9.0.2:5000",
        ecr_storage_address="10.9.0.3:5000",
        mirror_address="10.9.0.4:5000",
        docker_version="26.1",
    )


def test_buildkit_learns_of_plain_http_and_of_the_mirror(tmp_path: Path) -> None:
    """Every registry that jobs speak to is named, the mirror stands for Docker Hub."""
    found = tomllib.loads(buildx_files(config(tmp_path))["buildkitd.default.toml"])["registry"]
    assert found == {
        "10.9.0.2:5000": {"http": True},
        "10.9.0.1:2": {"http": True},
        "10.9.0.4:5000": {"http": True},
        "docker.io": {"mirrors": ["10.9.0.4:5000"]},
    }


def test_without_a_mirror_docker_hub_is_asked_itself(tmp_path: Path) -> None:
    """Where Docker Hub can be reached nothing is said of it."""
    files = buildx_files(replace(config(tmp_path), mirror_address=""))
    assert "docker.io" not in files["buildkitd.default.toml"]


def test_the_selected_builder_says_the_same(tmp_path: Path) -> None:
    """Its first node carries the registries, and the second, without any, is left to build on."""
    files = buildx_files(config(tmp_path))
    registries, engine = json.loads(files["instances/stack-registries"])["Nodes"]
    assert base64.b64decode(registries["Files"]["buildkitd.toml"]).decode() == files["buildkitd.default.toml"]
    assert engine["Files"] is None
    # The name that buildx 0.13 gives to its choice for unix:///var/run/docker.sock.
    assert files["defaults/13c4025c96f36e94b348"] == "stack-registries"


def test_what_is_written_goes_to_roots_folder(tmp_path: Path) -> None:
    """Jobs find each file in buildx's own folder of their user root."""
    assert client_files(tmp_path) == {}
    write_buildx_files(config(tmp_path))
    source = client_files(tmp_path)["/root/.docker/buildx/buildkitd.default.toml"]
    assert source.read_text().startswith("[registry.")
