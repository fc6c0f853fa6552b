"""What one `sledge.yaml` says, as frozen records; `sledgehammer.config` parses into these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from sledgehammer.operations import BuilderKind, RemoteBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image that the project builds. Paths are relative to the folder of `sledge.yaml`."""

    name: str
    dockerfile: str = "Dockerfile"
    context: str = "."
    target: str = ""  # a stage's name; empty builds the last stage
    args: Mapping[str, str] = field(default_factory=dict)


class CacheMode(Enum):
    """`MAX` caches the layers of all stages, `MIN` those of the image alone (BuildKit, cache storage backends)."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where strategy s3 keeps its cache. `endpoint_url` is for storage that is not AWS's own."""

    bucket: str
    region: str
    prefix: str = ""
    endpoint_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """How the layer cache is kept: a name in `sledgehammer.strategies`, the builder, and what single strategies need.

    `remote` is set for builder `remote`, `s3` for strategy `s3`. `options` are BuildKit's of a registry cache, over
    what the provider's registry needs by itself. An export takes at most `export_timeout_s` seconds.
    """

    strategy: str = "auto"
    builder: BuilderKind = BuilderKind.AUTO
    mode: CacheMode = CacheMode.MAX
    remote: RemoteBuilder | None = None
    s3: S3Settings | None = None
    options: tuple[tuple[str, str], ...] = ()
    export_timeout_s: int = 600


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
