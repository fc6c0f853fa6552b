"""`file`: the cache in a folder that the CI carries from job to job (GitLab `cache:`, CodeBuild's S3 cache).

With buildx it is BuildKit's `type=local` export. Docker before 23 has no such thing: there the classic builder's images
go through `docker save` and `docker load`, which BuildKit cannot use from Docker 27 on (moby/buildkit#5242).
"""

from dataclasses import replace

from sledgehammer.operations import CACHE_FOLDER, BuildTool, CacheExport, CacheFolder, Operation, text
from sledgehammer.strategies.per_stage import separate_stages
from sledgehammer.strategy import CacheStrategy, Situation

FOLDER = ".sledge-cache"


def plan(situation: Situation) -> tuple[Operation, ...]:
    """Read and write the folder; the CI keeps a copy for each branch."""
    destination = situation.destination
    folder = CacheFolder(
        path=FOLDER,
        key=text("sledge-", *destination.branch),
        fallback=text("sledge-", *destination.default_branch),
    )
    own = text(CACHE_FOLDER, f"/{situation.image.name}")
    export = CacheExport(what="file cache", timeout_s=situation.settings.export_timeout_s, folder=own)
    if situation.build.tool is BuildTool.BUILDX:
        attributes = text("type=local,dest=", *own, f".new,mode={situation.settings.mode.value}")
        cached = replace(
            situation.build,
            cache_from=(text("type=local,src=", *own),),
            exports=(replace(export, attributes=attributes),),
        )
    else:
        stages = tuple(stage.name for stage in separate_stages(situation))
        cached = replace(situation.build, tool=BuildTool.CLASSIC, stages=stages, cache_from=(own,), exports=(export,))
    return (folder, *situation.builder(must_export=True), cached)


FILE = CacheStrategy(
    name="file", summary="a folder that the CI carries from job to job", refusal=lambda situation: "", plan=plan
)
