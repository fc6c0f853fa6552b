"""A Build by `docker build`, where the docker client has no buildx: BuildKit of Docker 18.09 to 22, or the classic
builder, which finds only what it has pulled and tagged itself."""

from sledgehammer.operations import Build, BuildTool, CacheExport, Text
from sledgehammer.shell.arguments import (
    common_arguments,
    flags,
    function,
    repository,
    target_flag,
    unless_equal,
)
from sledgehammer.shell.quote import quote
from sledgehammer.shell.stage_key_lines import export_lines, keyed_sources, pulls_by_content, stage_key_lines


def docker_build_lines(build: Build, name: str) -> list[str]:
    """The stages that are built one by one, the image, its push, its exports."""
    is_classic = build.tool is BuildTool.CLASSIC
    lines = [f"sledge_buildkit={0 if is_classic else 1}", *stage_key_lines(build, name)]
    if is_classic:
        lines += _bring(build, name)
    sources = [*keyed_sources(build, name, quote), *_sources(build)]
    lines += function(name, [*common_arguments(build), *sources, f'"$@" -- {quote((build.context,))}'])
    image = quote((build.image,))
    for stage in build.stages:
        target, tag = quote((stage,)), quote((stage_image(build, stage),))
        lines.append(f"{name} sledge_docker_build {image} --target {target} --tag {tag}")
    final = f" --tag {quote((stage_image(build, ''),))}" if is_classic else ""
    lines.append(f"{name} sledge_docker_build {image}{flags(build)}{final}")
    lines.append(f"sledge_report_steps {image}")
    if build.push:
        lines += [f"sledge_push {image} {quote(tag)}" for tag in build.tags]
        lines.append(f"sledge_report_push {image} {quote(repository(build.tags[0]))}")
    return lines + export_lines(build, name, lambda export: _export(build, export, name))


def stage_image(build: Build, stage: str) -> str:
    """What a stage is called in the job's engine; "" is the final one."""
    return f"sledge-stage/{build.image}:{stage or 'final'}"


def _is_folder(build: Build) -> bool:
    return any(export.folder for export in build.exports)


def _bring(build: Build, name: str) -> list[str]:
    if _is_folder(build):
        return [f"sledge_load {quote(source)}" for source in build.cache_from]
    keyed = build.stage_keys.stages if build.stage_keys else ()
    by_branch = [ref for stage in keyed for ref in stage.by_branch]
    others = [f"sledge_pull {quote(source)}" for source in build.cache_from if source not in by_branch]
    return [*pulls_by_content(build, name), *others]


def _sources(build: Build) -> list[str]:
    local: list[Text] = [(stage_image(build, stage),) for stage in (*build.stages, "")] if build.stages else []
    references = [*local, *(() if _is_folder(build) else build.cache_from)]
    return unless_equal((source, f'set -- "$@" --cache-from {quote(source)}') for source in references)


def _export(build: Build, export: CacheExport, name: str) -> str:
    words = [quote((build.image,)), quote((export.what,)), str(export.timeout_s)]
    if export.folder:
        images = [quote((stage_image(build, stage),)) for stage in (*build.stages, "")]
        return f"sledge_save {' '.join(words)} {quote(export.folder)} {' '.join(images)}"
    if build.tool is BuildTool.CLASSIC:
        made = quote((stage_image(build, export.target),))
        return f"sledge_push_stage {' '.join(words)} {made} {quote(export.image)}"
    how = f"--build-arg BUILDKIT_INLINE_CACHE=1{target_flag(build, export)}"
    return f"{name} sledge_build_stage {' '.join(words)} {quote(export.image)} {how}"
