"""The section `cache` of `sledge.yaml`: how the layer cache is kept."""

from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError
from sledgehammer.operations import BuilderKind
from sledgehammer.platforms import PLATFORM, PLATFORM_EXPECTS
from sledgehammer.project import CacheMode

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE_EXPECTS = "the name of an environment variable"
_PEM = "Environment variable of the job with the {} as PEM text, or the path of a PEM file"


class StrategyName(Enum):
    """The names in `sledgehammer.strategies`."""

    AUTO = "auto"
    REGISTRY = "registry"
    PER_STAGE = "per-stage"
    INLINE = "inline"
    FILE = "file"
    S3 = "s3"
    CODEBUILD_LOCAL = "codebuild-local"
    CODEBUILD_DOCKER_SERVER = "codebuild-docker-server"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSection:
    """The section `cache.remote`: a BuildKit that a team keeps."""

    endpoint: str = field(metadata=described("Its address", pattern=r"tcp://[^\s/:]+:\d+", expects="tcp://host:port"))
    ca: str = field(
        default="", metadata=described(_PEM.format("authority"), pattern=_VARIABLE, expects=_VARIABLE_EXPECTS)
    )
    certificate: str = field(
        default="", metadata=described(_PEM.format("client certificate"), pattern=_VARIABLE, expects=_VARIABLE_EXPECTS)
    )
    key: str = field(
        default="", metadata=described(_PEM.format("client key"), pattern=_VARIABLE, expects=_VARIABLE_EXPECTS)
    )
    platform: str = field(
        default="",
        metadata=described(
            "What it builds for; without it no image is found by its content",
            pattern=PLATFORM,
            expects=PLATFORM_EXPECTS,
        ),
    )

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ConfigurationError("a client certificate and its key are given together or not at all")


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Section:
    """The section `cache.s3`."""

    bucket: str = field(
        metadata=described("The bucket", pattern=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", expects="a bucket name")
    )
    region: str = field(
        metadata=described("Its region", pattern=r"[a-z]{2}(-[a-z]+)+-\d", expects="a region, such as eu-central-1")
    )
    prefix: str = field(
        default="", metadata=described("Folder in the bucket", pattern=r"[A-Za-z0-9._/-]+", expects="a path")
    )
    endpoint_url: str = field(
        default="",
        metadata=described(
            "Address of storage that is not AWS's own",
            pattern=r"https?://[^/\s,]+(/[^\s,]*)?",
            expects="an http or https URL",
        ),
    )


class Compression(Enum):
    """Of the layers of a cache (BuildKit, "Registry cache": `compression`)."""

    UNCOMPRESSED = "uncompressed"
    GZIP = "gzip"
    ESTARGZ = "estargz"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsSection:
    """The section `cache.options`: names and values as BuildKit's registry cache has them."""

    image_manifest: bool | None = field(
        default=None, metadata=described("Write the cache as an image manifest, not as an index", key="image-manifest")
    )
    oci_mediatypes: bool | None = field(
        default=None, metadata=described("Name the parts by OCI's media types, not by Docker's", key="oci-mediatypes")
    )
    compression: Compression | None = field(
        default=None, metadata=described("Of layers that no image has pushed already; by itself zstd")
    )
    compression_level: int | None = field(
        default=None,
        metadata=described(
            "0 to 9 for gzip and estargz, to 22 for zstd", key="compression-level", minimum=0, maximum=22
        ),
    )
    force_compression: bool | None = field(
        default=None, metadata=described("Compress anew what is compressed otherwise", key="force-compression")
    )

    def __post_init__(self) -> None:
        if self.oci_mediatypes is False and self.compression in (Compression.ESTARGZ, Compression.ZSTD):
            raise ConfigurationError(
                f"Docker's media types have no {self.compression.value}",
                hint="take compression: gzip, or leave oci-mediatypes out",
            )
        if self.oci_mediatypes is False and self.image_manifest:
            raise ConfigurationError("image-manifest: true needs oci-mediatypes: true")


_WITH_OPTIONS = (StrategyName.AUTO, StrategyName.REGISTRY, StrategyName.PER_STAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSection:
    """The section `cache`."""

    strategy: StrategyName = field(
        default=StrategyName.AUTO,
        metadata=described("Cache strategy that plans the build; auto takes what can hit and promises most"),
    )
    builder: BuilderKind = field(
        default=BuilderKind.AUTO,
        metadata=described(
            "What builds: BuildKit inside the engine, in a container of its own, or remote; or the classic builder"
        ),
    )
    mode: CacheMode = field(
        default=CacheMode.MAX,
        metadata=described("Layers that are cached: those of all stages (max), or the image's own (min)"),
    )
    remote: RemoteSection | None = field(default=None, metadata=described("The BuildKit of builder remote"))
    s3: S3Section | None = field(default=None, metadata=described("Where strategy s3 keeps its cache"))
    options: OptionsSection = field(
        default=OptionsSection(),
        metadata=described(
            "Of a registry cache, where the registry needs other than the usual; sledge preflight tells"
        ),
    )
    export_timeout_s: int = field(
        default=600, metadata=described("Seconds that writing the cache may take", minimum=1, maximum=7200)
    )

    def __post_init__(self) -> None:
        if (self.builder is BuilderKind.REMOTE) != (self.remote is not None):
            raise ConfigurationError(
                "builder: remote and the key remote go together", hint="remote: {endpoint: tcp://…}"
            )
        if (self.strategy is StrategyName.S3) != (self.s3 is not None):
            raise ConfigurationError("strategy: s3 and the key s3 go together", hint="s3: {bucket: …, region: …}")
        if self.options != OptionsSection() and self.strategy not in _WITH_OPTIONS:
            raise ConfigurationError("the key options is for strategy: registry, per-stage or auto")
