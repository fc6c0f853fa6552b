"""What CodeBuild itself keeps from build to build, by the project's cache strategy. Pure.

CodeBuild API reference, ProjectCache and DockerServer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sledgehammer.strategies.engine_cache import DOCKER_SERVER, LOCAL
from sledgehammer.strategies.file import FILE
from sledgehammer_aws.account import Names

LAYERS: Final = "LOCAL_DOCKER_LAYER_CACHE"


class CacheType(Enum):
    """Where CodeBuild keeps it: nowhere, in a bucket, or on the host that built last."""

    NONE = "NO_CACHE"
    S3 = "S3"
    LOCAL = "LOCAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCache:
    """`location` is bucket/prefix of an S3 cache, `modes` what a local one keeps."""

    type: CacheType = CacheType.NONE
    location: str = ""
    modes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As a person compares it."""
        return " ".join(part for part in (self.type.value, self.location, *self.modes) if part)


_TYPES: Mapping[str, CacheType] = {FILE.name: CacheType.S3, LOCAL: CacheType.LOCAL}


def has_docker_server(strategy: str) -> bool:
    """Whether the project's images are built on a Docker server beside the build."""
    return strategy == DOCKER_SERVER


def has_file_cache(strategy: str) -> bool:
    """Whether CodeBuild carries a folder through S3."""
    return strategy == FILE.name


def desired_cache(names: Names, strategy: str) -> KeptCache:
    """What the strategy needs CodeBuild to keep."""
    match _TYPES.get(strategy, CacheType.NONE):
        case CacheType.S3:
            return KeptCache(type=CacheType.S3, location=f"{names.bucket}/{names.cache_prefix}")
        case CacheType.LOCAL:
            return KeptCache(type=CacheType.LOCAL, modes=(LAYERS,))
        case CacheType.NONE:
            return KeptCache()
