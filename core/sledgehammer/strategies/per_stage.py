"""`per-stage`: each stage is an image of its own in the cache repository, as the article had it.

BuildKit hits on it by the inline metadata that each image carries; the classic builder pulls the images and takes
them as `--cache-from`, each stage built and tagged before the next.
"""

from collections.abc import Iterator
from dataclasses import replace

from sledgehammer.dockerfile.graph import Stage
from sledgehammer.operations import BuildTool, CacheExport, Operation, Text
from sledgehammer.strategies.inline import engine_refusal, image_source
from sledgehammer.strategy import CacheStrategy, Situation

LABEL_LENGTH = 40
"""A stage's share of a tag, which has at most 128 characters; a branch's slug takes 63."""


def plan(situation: Situation) -> tuple[Operation, ...]:
    """Read every stage's image, the branch's before the default branch's; write the branch's."""
    tool = situation.build.tool
    stages = tuple(stage for stage in situation.stages[:-1] if has_steps(stage))
    kept = kept_stages(tool, stages)
    cached = replace(
        situation.build,
        cache_from=tuple(image_source(ref, tool) for stage in kept for ref in refs_of(situation, stage)),
        stages=tuple(stage.label for stage in stages) if tool is BuildTool.CLASSIC else (),
        exports=tuple(exports(situation, kept)),
    )
    return (*situation.builder_apart(), cached)


def kept_stages(tool: BuildTool, stages: tuple[Stage, ...]) -> tuple[Stage | None, ...]:
    """The stages that are read and written, None for the final one. The final image's inline cache knows the steps of
    the other stages as well, but not their layers. BuildKit 0.34 takes a step's record from any of its sources, and one
    without layers loses what another source had (tried: with it 6 of 12 builds found nothing, without it none of 6)."""
    return stages if stages and tool is BuildTool.BUILDX else (*stages, None)


def exports(situation: Situation, kept: tuple[Stage | None, ...]) -> Iterator[CacheExport]:
    """An image for each stage, the final one last."""
    for stage in kept:
        yield CacheExport(
            what=f"stage {stage.label}" if stage else "final stage",
            timeout_s=situation.settings.export_timeout_s,
            target=stage.label if stage else "",
            image=refs_of(situation, stage)[0],
            writer=situation.writer(_prefix(stage)),
        )


def refs_of(situation: Situation, stage: Stage | None) -> tuple[Text, Text]:
    """The branch's and the default branch's image of a stage; None is the final one."""
    return situation.cache_tag(_prefix(stage))


def has_steps(stage: Stage) -> bool:
    """Whether a stage makes layers; one that only names another image has nothing to cache."""
    return any(instruction.keyword in ("RUN", "COPY", "ADD") for instruction in stage.instructions)


def _prefix(stage: Stage | None) -> str:
    return f"stage-{stage.label[:LABEL_LENGTH]}-" if stage else "final-"


PER_STAGE = CacheStrategy(name="per-stage", summary="each stage an image of its own", refusal=engine_refusal, plan=plan)
