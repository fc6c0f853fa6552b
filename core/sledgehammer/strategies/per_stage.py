"""`per-stage`: each stage is an image of its own in the cache repository, as the article had it.

The BuildKit of a client without buildx hits on it by the inline metadata that each image carries; the classic builder
pulls the images and takes them as `--cache-from`, each stage built and tagged before the next.

By buildx each is a registry cache instead, `mode=max`. Inline metadata name the steps of other stages too, without
their layers, and a BuildKit that reads several refs asks whichever answered first for the layers: of five builds by
BuildKit 0.34 three missed every step, though another ref had it.

A stage is kept twice: under the key of its content, where every branch with the same lock file finds it, and under the
branch, where a stage of other content finds the layers before its change. The final stage is kept by branch alone: an
image of equal content is found by the image's own key.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from sledgehammer.context.content_key import NoKey
from sledgehammer.context.stage_key import stage_recipe
from sledgehammer.dockerfile.graph import Stage
from sledgehammer.operations import STAGE_KEY, BuildTool, CacheExport, KeyedStage, Operation, StageKeys, Text, text
from sledgehammer.project import CacheMode
from sledgehammer.strategies.inline import image_source
from sledgehammer.strategies.registry import export_options
from sledgehammer.strategy import CacheStrategy, Situation

LABEL_LENGTH = 40
"""A stage's share of a tag, which has at most 128 characters; a branch's slug takes 63."""

BY_BRANCH, KEYED = "stage-", "keyed-"
"""What the tag of a stage begins with: under its branch, and under its content. What cleans up caches goes by them."""

KEYED_LABEL_LENGTH = 24
"""A stage's share of such a tag, of which the key takes 32 more."""

DIGEST_LENGTH = 8


def plan(situation: Situation) -> tuple[Operation, ...]:
    """Read every stage's image by content, then the branch's, then the default branch's; write the first two."""
    tool = situation.build.tool
    stages = separate_stages(situation)
    cached = replace(
        situation.build,
        cache_from=tuple(image_source(ref, tool) for stage in (*stages, None) for ref in refs_of(situation, stage)),
        stages=tuple(stage.name for stage in stages) if tool is BuildTool.CLASSIC else (),
        stage_keys=stage_keys(situation, stages),
        exports=tuple(exports(situation, stages)),
    )
    return (*situation.builder(must_export=True), cached)


def exports(situation: Situation, stages: tuple[Stage, ...]) -> Iterator[CacheExport]:
    """An image for each stage, the final one last; by buildx a cache of all that the stage is made of, written as
    strategy registry writes its own."""
    written = {**export_options(situation.settings, situation.destination), "mode": CacheMode.MAX.value}
    options = "".join(f",{name}={value}" for name, value in written.items())
    for stage in (*stages, None):
        yield CacheExport(
            what=f"stage {stage.name}" if stage else "final stage",
            timeout_s=situation.settings.export_timeout_s,
            target=stage.name if stage else "",
            image=refs_of(situation, stage)[0],
            attributes=text(options) if situation.build.tool is BuildTool.BUILDX else (),
            writer=situation.writer(_prefix(stage)),
        )


def stage_keys(situation: Situation, stages: tuple[Stage, ...]) -> StageKeys | None:
    """The keys under which stages are kept; None where there are none, or the files that make them cannot be listed."""
    recipe = situation.recipe.recipe if isinstance(situation.recipe, NoKey) else situation.recipe
    if recipe is None or not stages:
        return None
    repository, trust = situation.destination.repositories[situation.image.name], situation.destination.trust
    keyed = []
    for stage in stages:
        label = _label(stage.name, KEYED_LABEL_LENGTH)
        of_content = (":", KEYED, STAGE_KEY)
        keyed.append(
            KeyedStage(
                name=stage.name,
                recipe=stage_recipe(recipe, situation.graph, stage.name, situation.image.args),
                shared=text(*(repository.home_cache or repository.cache), *of_content, f"-{label}"),
                own=text(*repository.cache, *of_content, "_", *situation.destination.branch, f"_{label}"),
                by_branch=refs_of(situation, stage),
            )
        )
    return StageKeys(
        recipe=recipe, stages=tuple(keyed), is_protected=trust.is_protected, here=trust.here, home=trust.home
    )


def refs_of(situation: Situation, stage: Stage | None) -> tuple[Text, Text]:
    """The branch's and the default branch's image of a stage; None is the final one."""
    return situation.cache_tag(_prefix(stage))


def separate_stages(situation: Situation) -> tuple[Stage, ...]:
    """The stages that are an image of their own, without the final one: those that make layers, for one that only
    names another image has nothing to cache, and have a name, for no builder takes a number as `--target`
    (moby/buildkit#1503)."""
    return tuple(stage for stage in situation.stages[:-1] if stage.name and _has_steps(stage))


def _has_steps(stage: Stage) -> bool:
    return any(instruction.keyword in ("RUN", "COPY", "ADD") for instruction in stage.instructions)


def _prefix(stage: Stage | None) -> str:
    return f"{BY_BRANCH}{_label(stage.name, LABEL_LENGTH)}_" if stage else "final_"


def _label(stage: str, length: int) -> str:
    """Its name in a tag; of one that is too long the end is a digest of the whole."""
    if len(stage) <= length:
        return stage
    digest = hashlib.sha256(stage.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{stage[: length - DIGEST_LENGTH - 1]}-{digest}"


PER_STAGE = CacheStrategy(
    name="per-stage", summary="each stage an image of its own", refusal=lambda situation: "", plan=plan
)
