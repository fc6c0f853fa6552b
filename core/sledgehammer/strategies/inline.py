"""`inline`: the image carries the cache metadata of its own layers.

It holds the layers of the final stage alone, so it suits Dockerfiles of one stage; what other stages did is known, not
kept: their steps hit only when nothing at all changed. Nothing but an image is pushed, so every registry takes it.
"""

from dataclasses import replace

from sledgehammer.operations import BuilderKind, BuildTool, CacheExport, Operation, Text, text
from sledgehammer.strategy import CacheStrategy, Situation


def refusal(situation: Situation) -> str:
    """The classic builder writes no metadata; per-stage is its way. What the engine's own BuildKit exports inline after
    an import hits every second time, on Docker 28.5 still (moby/buildkit#1981)."""
    if situation.build.tool is BuildTool.CLASSIC:
        return "the classic builder writes no cache metadata"
    if situation.build.tool is BuildTool.BUILDX and situation.settings.builder is BuilderKind.ENGINE:
        return "the engine's own builder loses inline cache metadata every second time; builder: container keeps it"
    return ""


def plan(situation: Situation) -> tuple[Operation, ...]:
    """Read the branch's and the default branch's cached image, write the branch's."""
    own, shared = situation.cache_tag("inline-")
    export = CacheExport(
        what="inline cache",
        timeout_s=situation.settings.export_timeout_s,
        image=own,
        writer=situation.writer("inline-"),
    )
    cached = replace(
        situation.build,
        cache_from=tuple(image_source(ref, situation.build.tool) for ref in (own, shared)),
        exports=(export,),
    )
    return (*situation.builder_apart(), cached)


def image_source(ref: Text, tool: BuildTool) -> Text:
    """An image with inline cache metadata as a cache source of that tool."""
    return text("type=registry,ref=", *ref) if tool is BuildTool.BUILDX else ref


INLINE = CacheStrategy(
    name="inline", summary="cache metadata inside the image, final stage only", refusal=refusal, plan=plan
)
