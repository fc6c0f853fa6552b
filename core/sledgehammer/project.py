"""What one `sledge.yaml` says, as frozen records; `sledgehammer.config` parses into these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image that the project builds. Paths are relative to the folder of `sledge.yaml`."""

    name: str
    dockerfile: str = "Dockerfile"
    context: str = "."
    target: str = ""  # a stage's name; empty builds the last stage
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Which cache strategy plans the build: a name in `sledgehammer.strategies`."""

    strategy: str = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One repository. `providers` maps a provider's name to its own typed settings (its section, parsed)."""

    name: str
    images: tuple[Image, ...]
    root: Path
    cache: CacheSettings = CacheSettings()
    docker_version: str = "28.5"  # of the docker:<v>-cli and docker:<v>-dind images in CI
    default_branch: str = "main"
    providers: Mapping[str, object] = field(default_factory=dict)
