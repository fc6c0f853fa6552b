"""The top level of `sledge.yaml`, version 1: its keys as records, its names as patterns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer.config.cache_section import CacheSection
from sledgehammer.config.fields import described

VERSION = 1

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
