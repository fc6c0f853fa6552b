"""From a project, its stage graphs and a destination to the operations of one build."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sledgehammer.dockerfile.graph import StageGraph
from sledgehammer.facts import EngineFacts
from sledgehammer.operations import Build, Login, Operation, SelectBuilder, Text, WaitForEngine, text
from sledgehammer.project import Image, Project

REVISION_LABEL = "org.opencontainers.image.revision"
"""OCI image spec, annotations: the source commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where one image goes: its own repository and its cache's (ECR wants them apart: images immutable, cache
    mutable). Full references without a tag."""

    image: Text
    cache: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What a provider contributes to a plan: names that only its jobs know.

    `commit` tags the image; `branch` and `default_branch` are slugs that name the cache refs.
    `cache_options` are what the provider's registry needs beyond `mode=max`, in order.
    `push` is off where the engine that builds is the one that runs the image.
    """

    repositories: Mapping[str, Repository]  # by image name
    engine: WaitForEngine
    login: Login | None
    commit: Text
    branch: Text
    default_branch: Text
    cache_options: tuple[tuple[str, str], ...] = ()
    push: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """The operations of one build, in order."""

    operations: tuple[Operation, ...]


CacheStrategy = Callable[[Build, StageGraph, EngineFacts, Destination], tuple[Operation, ...]]
"""Turns a plain Build into the operations that make its cache hit. Raises ConfigurationError with the reason
where the facts rule a hit out."""


def plan_build(
    project: Project,
    *,
    graphs: Mapping[str, StageGraph],
    facts: EngineFacts,
    destination: Destination,
    strategy: CacheStrategy,
) -> BuildPlan:
    """Plan all images of a project; `graphs` maps an image's name to its Dockerfile's stage graph.

    Raises ConfigurationError when a target is not a stage, a stage that it needs copies from nowhere, or the
    strategy cannot hit on these facts.
    """
    operations: list[Operation] = [destination.engine]
    if destination.login is not None:
        operations.append(destination.login)
    for image in project.images:
        graph = graphs[image.name]
        graph.reachable(image.target, image.args)
        operations += strategy(_plain_build(image, destination), graph, facts, destination)
    return BuildPlan(operations=_without_repeats(operations))


def _plain_build(image: Image, destination: Destination) -> Build:
    repository = destination.repositories[image.name].image
    return Build(
        image=image.name,
        context=image.context,
        dockerfile=image.dockerfile,
        target=image.target,
        args=tuple(sorted(image.args.items())),
        tags=(text(*repository, ":", *destination.commit),),
        push=destination.push,
        labels=((REVISION_LABEL, destination.commit),),
    )


def _without_repeats(operations: list[Operation]) -> tuple[Operation, ...]:
    """One builder serves all images."""
    kept = dict.fromkeys(operation for operation in operations if isinstance(operation, SelectBuilder))
    return tuple(
        operation
        for operation in operations
        if not isinstance(operation, SelectBuilder) or kept.pop(operation, 0) is None
    )
