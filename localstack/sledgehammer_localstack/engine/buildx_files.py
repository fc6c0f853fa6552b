"""What buildx in a job is told of the stack's registries, as a team's runner mounts it into its jobs.

The engine's daemon.json is not asked by clients that speak to registries themselves: BuildKit in a container of its
own (`docker buildx create`), which starts with buildx's `buildkitd.default.toml`, and `docker buildx imagetools`, which
reads the first node of the selected builder and nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from sledgehammer_localstack.config import StackConfig

BUILDER = "stack-registries"
"""The selected builder of a job that selects none: it builds as `default` does, and knows the registries."""

BUILDX_HOME = "/root/.docker/buildx"

_ENDPOINTS = ("tcp://docker:2375", "tcp://docker:2376", "unix:///var/run/docker.sock")
"""Where a job's engine is; buildx keeps a selected builder for each (its store, `defaults/<digest>`)."""


def buildkitd_configuration(config: StackConfig) -> str:
    """BuildKit's own configuration (its page "buildkitd.toml"): registries on plain HTTP, and Docker Hub's mirror."""
    plain = [config.registry_address, config.ecr_address, *filter(None, [config.mirror_address])]
    mirror = f'[registry."docker.io"]\n  mirrors = ["{config.mirror_address}"]\n' if config.mirror_address else ""
    return "".join(f'[registry."{address}"]\n  http = true\n' for address in plain) + mirror


def buildx_files(config: StackConfig) -> Mapping[str, str]:
    """Text by path below buildx's folder.

    The builder has two nodes, for buildx refuses a docker driver with registries: the first is that, refused, and
    imagetools reads it all the same; the second is the job's engine, on which builds run."""
    text = buildkitd_configuration(config)
    files = {"buildkitd.toml": base64.b64encode(text.encode()).decode()}
    nodes = [_node("registries", files=files), _node("engine", files=None)]
    builder = {"Name": BUILDER, "Driver": "", "Nodes": nodes, "Dynamic": False}
    selected = {f"defaults/{hashlib.sha256(address.encode()).hexdigest()[:20]}": BUILDER for address in _ENDPOINTS}
    return {"buildkitd.default.toml": text, f"instances/{BUILDER}": json.dumps(builder), **selected}


def write_buildx_files(config: StackConfig) -> None:
    """Write them below `<state>/engine/buildx`."""
    for name, text in buildx_files(config).items():
        path = _folder(config.state_dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def client_files(state_dir: Path) -> Mapping[str, Path]:
    """What belongs into a job's containers: path there, file here. Empty where no stack wrote any."""
    folder = _folder(state_dir)
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{BUILDX_HOME}/{path.relative_to(folder)}": path for path in found}


def _node(name: str, *, files: Mapping[str, str] | None) -> dict[str, object]:
    return {
        "Name": name,
        "Endpoint": "default",  # what DOCKER_HOST names
        "Platforms": None,
        "DriverOpts": None,
        "Flags": None,
        "Files": files,
    }


def _folder(state_dir: Path) -> Path:
    return state_dir / "engine" / "buildx"
