"""What a CodeBuild build contributes to a build plan: ECR's repositories and the variables of the build."""

import re
from dataclasses import dataclass

from sledgehammer.destination import Destination, Repository
from sledgehammer.errors import ConfigurationError
from sledgehammer.operations import EnvVar, Login, PasswordFromCommand, WaitForEngine, text
from sledgehammer.project import Image, Project
from sledgehammer.strategies.engine_cache import DOCKER_SERVER, LOCAL
from sledgehammer.strategies.registry import REGISTRY
from sledgehammer_aws.settings import Settings

REGISTRY_VARIABLE = "SLEDGE_REGISTRY"
"""Defined by the CodeBuild project: the registry's host."""

CLONED_COMMIT_VARIABLE = "CODEBUILD_RESOLVED_SOURCE_VERSION"
"""The commit of a clone, in builds that a push has started too (CodeBuild user guide, "Environment variables in build
environments")."""

COMMIT_VARIABLE = "SLEDGE_COMMIT"
BRANCH_VARIABLE = "SLEDGE_BRANCH"
"""Given to each build when it is started: a source archive knows no git."""

ENGINE_TIMEOUT_S = 60

CACHE_OPTIONS = (("image-manifest", "true"), ("oci-mediatypes", "true"))
"""ECR takes a cache only as an image manifest (aws/containers-roadmap#876)."""

ENGINE_CACHES = (LOCAL, DOCKER_SERVER)

ARM = "aarch64"
"""In the name of a curated image for ARM."""

SLUG_LENGTH = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryNames:
    """ECR repositories of one image."""

    image: str
    cache: str


def repository_names(project: Project, settings: Settings, image: Image) -> RepositoryNames:
    """The image named as the project owns the prefix itself, others a repository below it."""
    prefix = settings.repository or project.name
    name = prefix if image.name == project.name else f"{prefix}/{image.name}"
    return RepositoryNames(image=name, cache=f"{name}-cache")


def destination_of(project: Project, settings: Settings) -> Destination:
    """Names that a build of the project knows. Raises ConfigurationError for a Docker server on ARM."""
    registry = EnvVar(REGISTRY_VARIABLE)
    names = {image.name: repository_names(project, settings, image) for image in project.images}
    return Destination(
        repositories={
            image: Repository(image=text(registry, f"/{name.image}"), cache=text(registry, f"/{name.cache}"))
            for image, name in names.items()
        },
        engine=_engine(project.cache.strategy, settings),
        login=Login(
            registry=text(registry),
            username=text("AWS"),
            password=PasswordFromCommand(argv=("aws", "ecr", "get-login-password")),
        ),
        commit=text(EnvVar(commit_variable(settings))),
        branch=text(EnvVar(BRANCH_VARIABLE)),
        default_branch=text(branch_slug(project.default_branch)),
        run=text(EnvVar("CODEBUILD_BUILD_ID")),
        cache_options=CACHE_OPTIONS,
        engine_caches=ENGINE_CACHES,
        has_immutable_tags=settings.immutable_tags,
        platform="linux/arm64" if ARM in settings.build_image else "linux/amd64",
    )


def commit_variable(settings: Settings) -> str:
    """Where a build finds the commit that it builds: an archive knows no git."""
    return COMMIT_VARIABLE if settings.source is None else CLONED_COMMIT_VARIABLE


def _engine(strategy: str, settings: Settings) -> WaitForEngine:
    """The curated images start a Docker daemon in privileged mode, as the script does on an image that has not
    (CodeBuild user guide, "Docker in custom image sample"). Where there is a Docker server, CodeBuild has pointed the
    docker client at it, and a second daemon would only hide it."""
    if strategy == DOCKER_SERVER and ARM in settings.build_image:
        raise ConfigurationError(
            f"cache strategy {DOCKER_SERVER}: CodeBuild has no Docker server for ARM, and {settings.build_image} is an "
            "image for ARM",
            hint=f"choose an x86_64 build_image, or cache: {{strategy: {REGISTRY.name}}}",
        )
    return WaitForEngine(timeout_s=ENGINE_TIMEOUT_S, start=strategy != DOCKER_SERVER)


def branch_slug(branch: str) -> str:
    """A branch's name as part of an image tag; `detached` where there is none."""
    return re.sub(r"[^a-z0-9]", "-", branch.lower())[:SLUG_LENGTH].strip("-") or "detached"
