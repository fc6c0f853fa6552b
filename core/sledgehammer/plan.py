"""From a project, its stage graphs and a destination to the operations of one build."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sledgehammer.context.content_key import KeyRecipe, NoKey
from sledgehammer.destination import Destination
from sledgehammer.dockerfile.graph import StageGraph
from sledgehammer.dockerfile.numbering import last_steps
from sledgehammer.errors import ConfigurationError
from sledgehammer.facts import EngineFacts
from sledgehammer.operations import (
    Build,
    BuilderKind,
    BuildTool,
    CacheFolder,
    KeepRecord,
    Operation,
    Reuse,
    SelectBuilder,
    text,
)
from sledgehammer.project import Image, Project
from sledgehammer.strategies import choose_strategy
from sledgehammer.strategy import Situation

NO_RECIPES: Mapping[str, KeyRecipe | NoKey] = MappingProxyType({})
NOTHING_EXPECTED: Mapping[str, Mapping[str, float]] = MappingProxyType({})

REVISION_LABEL = "org.opencontainers.image.revision"
"""OCI image spec, annotations: the source commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """The operations of one build, in order; `reasons` say of each image which cache strategy was taken and why."""

    operations: tuple[Operation, ...]
    reasons: tuple[str, ...] = ()


def plan_build(
    project: Project,
    *,
    graphs: Mapping[str, StageGraph],
    facts: EngineFacts,
    destination: Destination,
    recipes: Mapping[str, KeyRecipe | NoKey] = NO_RECIPES,
    expectations: Mapping[str, Mapping[str, float]] = NOTHING_EXPECTED,
) -> BuildPlan:
    """Plan all images of a project; `graphs` maps an image's name to its Dockerfile's stage graph, `recipes` to that of
    its content key: an image without one is built whatever the registry holds. `expectations` are seconds by image and
    strategy, from earlier builds.

    Raises ConfigurationError when a target is not a stage, a stage that it needs copies from nowhere, a cache would lie
    in the repository of an image, or the project's strategy cannot hit on these facts.
    """
    operations: list[Operation] = [destination.engine]
    if destination.login is not None:
        operations.append(destination.login)
    reasons = []
    for situation in situations(
        project, graphs=graphs, facts=facts, destination=destination, recipes=recipes, expectations=expectations
    ):
        image, recipe = situation.image, situation.recipe
        choice = choose_strategy(situation)
        planned = choice.strategy.plan(situation)
        operations += [_remembering(operation, recipe, situation) for operation in planned]
        reasons.append(f"image {image.name}: cache strategy {choice.strategy.name}, {choice.reason}")
    return BuildPlan(operations=_without_repeats(operations), reasons=tuple(reasons))


def _demand_caches_apart(project: Project, destination: Destination) -> None:
    """Of all images, for the name of one may be what the cache of another is called."""
    owners = {destination.repositories[image.name].image: image.name for image in project.images}
    for image in project.images:
        owner = owners.get(destination.repositories[image.name].cache)
        if owner is None:
            continue
        whose = "its own repository" if owner == image.name else f"the repository of image {owner}"
        raise ConfigurationError(
            f"the cache of image {image.name} would lie in {whose}, where a cache ref can overwrite an image",
            hint="give the cache a repository of its own" if owner == image.name else f"rename image {owner}",
        )


def situations(
    project: Project,
    *,
    graphs: Mapping[str, StageGraph],
    facts: EngineFacts,
    destination: Destination,
    recipes: Mapping[str, KeyRecipe | NoKey] = NO_RECIPES,
    expectations: Mapping[str, Mapping[str, float]] = NOTHING_EXPECTED,
) -> Iterator[Situation]:
    """What the strategy of each image is chosen by. Raises ConfigurationError as `plan_build` does."""
    _demand_caches_apart(project, destination)
    for image in project.images:
        graphs[image.name].reachable(image.target, image.args)
        yield Situation(
            image=image,
            build=_plain_build(project, image, facts, destination),
            graph=graphs[image.name],
            facts=facts,
            destination=destination,
            settings=project.cache,
            recipe=recipes.get(image.name),
            expectations=expectations.get(image.name, {}),
        )


def _plain_build(project: Project, image: Image, facts: EngineFacts, destination: Destination) -> Build:
    repository = destination.repositories[image.name]
    return Build(
        image=image.name,
        context=image.context,
        dockerfile=image.dockerfile,
        target=image.target,
        args=tuple(sorted(image.args.items())),
        tags=(text(*repository.image, ":", *destination.commit),),
        push=destination.push,
        labels=((REVISION_LABEL, destination.commit),),
        tool=_tool(project.cache.builder, facts),
    )


def _remembering(operation: Operation, recipe: KeyRecipe | NoKey | None, situation: Situation) -> Operation:
    """A build that looks for an image of the same content first, and leaves a record. Both are questions to a registry
    that `docker buildx imagetools` asks."""
    if not isinstance(operation, Build) or recipe is None:
        return operation
    if not operation.push or operation.tool is not BuildTool.BUILDX:
        return operation
    destination = situation.destination
    record = KeepRecord(
        recipe=recipe,
        commit=destination.commit,
        run=destination.run,
        repository=destination.repositories[operation.image].cache,
        writer=situation.writer("record_"),
    )
    return replace(operation, reuse=_reuse(recipe, situation), record=record)


def _reuse(recipe: KeyRecipe | NoKey, situation: Situation) -> Reuse:
    destination, trust = situation.destination, situation.destination.trust
    image = situation.image
    return Reuse(
        recipe=recipe,
        steps=tuple(last_steps(situation.graph, image.target, image.args).items()),
        repository=destination.repositories[image.name].image,
        tag=destination.commit,
        branch=destination.branch,
        is_protected=trust.is_protected,
        here=trust.here,
        home=trust.home,
        is_immutable=destination.has_immutable_tags,
    )


def _tool(builder: BuilderKind, facts: EngineFacts) -> BuildTool:
    if builder is BuilderKind.CLASSIC:
        return BuildTool.CLASSIC
    return BuildTool.BUILDX if facts.has_buildx else BuildTool.BUILDKIT


def _without_repeats(operations: list[Operation]) -> tuple[Operation, ...]:
    """One builder and one cache folder serve all images."""
    seen: set[Operation] = set()
    kept: list[Operation] = []
    for operation in operations:
        if isinstance(operation, SelectBuilder | CacheFolder):
            if operation in seen:
                continue
            seen.add(operation)
        kept.append(operation)
    return tuple(kept)
