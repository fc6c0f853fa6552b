"""The top level of `sledge.yaml`, version 1: its keys as records, its names as patterns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError
from sledgehammer.operations import BuilderKind
from sledgehammer.project import CacheMode

VERSION = 1

_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE_EXPECTS = "the name of an environment variable"
_PEM = "Environment variable of the job with the {} as PEM text, or the path of a PEM file"

_PATH = r"(?!/)(?!(?:.*/)?\.\.(?:/|$))[^\x00-\x1f]+"
_PATH_EXPECTS = "a path below the folder of this file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSection:
    """One item of `images`."""

    name: str = field(
        metadata=described(
            "Name of the image; the last part of its repository's path",
            # Path component of an image reference: distribution's reference grammar.
            pattern=r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*",
            expects="lower-case letters and digits with single . _ - between them",
        )
    )
    dockerfile: str = field(
        default="Dockerfile", metadata=described("The Dockerfile", pattern=_PATH, expects=_PATH_EXPECTS)
    )
    context: str = field(
        default=".",
        metadata=described("Folder of the build context", pattern=_PATH, expects=_PATH_EXPECTS),
    )
    target: str = field(
        default="",
        metadata=described(
            "Stage to build; without it the last one",
            pattern=r"[A-Za-z][A-Za-z0-9_.-]*",
            expects="the name of a stage",
        ),
    )
    args: Mapping[str, str] = field(
        default_factory=dict,
        metadata=described(
            "Build arguments, all of them text",
            key_pattern=r"[A-Za-z_][A-Za-z0-9_]*",
            key_expects="the name of an ARG",
        ),
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """Everything at the top level but the providers' sections, whose keys are their names."""

    version: int = field(metadata=described("Version of this file format", minimum=VERSION, maximum=VERSION))
    name: str = field(
        metadata=described(
            "Name of the project",
            # What a GitLab project path, a CodeBuild project name and an ECR repository name all allow.
            pattern=r"(?=.{2,63}$)[a-z0-9]+(?:[_-][a-z0-9]+)*",
            expects="2 to 63 lower-case letters and digits with single - or _ between them",
        )
    )
    extends: str = field(
        default="",
        metadata=described("Path from this file to the organisation's file, which has defaults and policy"),
    )
    docker: str = field(
        default="28.5",
        metadata=described(
            "Version of the docker:<v>-cli and docker:<v>-dind images in CI, in quotes",
            pattern=r"\d+(?:\.\d+){0,2}",
            expects='a Docker version such as "28.5"',
        ),
    )
    default_branch: str = field(
        default="main",
        metadata=described(
            "Branch whose cache all other branches fall back to",
            # git-check-ref-format, without what only reflogs and quoting allow.
            pattern=r"(?![-/.])(?!.*(?:\.\.|//|@\{|\.lock$))[^\s~^:?*\[\\\x00-\x1f]*[^\s~^:?*\[\\/.\x00-\x1f]",
            expects="the name of a git branch",
        ),
    )
    images: tuple[ImageSection, ...] = field(
        default=(),
        metadata=described("Images to build; without it one image named like the project", minimum=1, unique="name"),
    )
    cache: CacheSection = field(default=CacheSection(), metadata=described("How the layer cache is kept"))
