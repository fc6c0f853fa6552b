"""The stages of a Build that are kept under their content: how they are found, and under which names they are written.

Of each stage two shell variables hold references: that which every branch reads, and that which this job writes, the
same one on a protected branch. Both are empty where the stage has no key.
"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace

from sledgehammer.context.content_key import NoKey, header_of
from sledgehammer.operations import Build, BuildTool, CacheExport, EnvVar, KeyedStage, StageKeys, Text
from sledgehammer.shell.arguments import guarded
from sledgehammer.shell.content_key import filter_program, use_program
from sledgehammer.shell.quote import quote

_NAMES = EnvVar("sledge_names")
"""Where `sledge_name_stage` leaves the references that an export writes, with commas between them."""


def stage_key_lines(build: Build, name: str) -> list[str]:
    """Lines that set the variables of all stages. `name` is the build's own part of theirs."""
    keys = build.stage_keys
    if keys is None:
        return []
    recipe = keys.recipe
    words = [build.image, recipe.context, recipe.dockerfile, recipe.dockerfile_digest, recipe.ignore_digest]
    program = filter_program(recipe.rules, recipe.use.sources)
    lines = []
    if build.reuse is None:
        bases = "".join(f" {shlex.quote(base)}" for base in recipe.base_images)
        lines += ["sledge_forget_files", f"sledge_resolve_bases{bases}"]
    return [*lines, shlex.join(["sledge_list_for_stages", *words, program]), *_variables(build, keys, name)]


def keyed_sources(build: Build, name: str, option: Callable[[Text], str]) -> Iterator[str]:
    """Lines that append what is read of each stage by content; `option` makes one word of a reference."""
    for _, shared, own in _keyed(build, name):
        yield f'[ -z "${{{shared.name}}}" ] || set -- "$@" --cache-from {option((shared,))}'
        yield f'[ "${{{own.name}}}" = "${{{shared.name}}}" ] || set -- "$@" --cache-from {option((own,))}'


def pulls_by_content(build: Build, name: str) -> Iterator[str]:
    """Lines that pull each stage by content, else by branch."""
    for stage, shared, own in _keyed(build, name):
        words = ((shared,), (own,), *stage.by_branch)
        yield f"sledge_pull_stage {' '.join(quote(word) for word in words)}"


def export_lines(build: Build, name: str, command: Callable[[CacheExport], str]) -> list[str]:
    """What writes the exports, below the question who may. `command` writes one; that of a keyed stage finds in
    place of its image several of them, with commas between, or by buildx, which writes one cache at a time, each."""
    lines = []
    variables = {stage.name: (shared, own) for stage, shared, own in _keyed(build, name)}
    for export in build.exports:
        writer = export.writer
        if writer is None or export.target not in variables:
            lines += guarded(build, export.what, writer, command(export))
            continue
        trust = (writer.is_protected, writer.here, writer.home)
        words = ((build.image,), (export.what,), writer.ref, writer.shared, *trust, (export.target,))
        call = " ".join(quote(word) for word in (*words, *((variable,) for variable in variables[export.target])))
        written = command(replace(export, image=(_NAMES,)))
        if build.tool is BuildTool.BUILDX:
            written = f'for {_NAMES.name} in $(echo "${_NAMES.name}" | tr , " "); do {written}; done'
        lines += [f"if sledge_name_stage {call}; then", f"  {written}", "fi"]
    return lines


def _keyed(build: Build, name: str) -> Iterator[tuple[KeyedStage, EnvVar, EnvVar]]:
    for number, stage in enumerate(build.stage_keys.stages if build.stage_keys else ()):
        yield stage, EnvVar(f"{name}_shared_{number}"), EnvVar(f"{name}_own_{number}")


def _variables(build: Build, keys: StageKeys, name: str) -> Iterator[str]:
    trust = " ".join(quote(word) for word in (keys.is_protected, keys.here, keys.home))
    for stage, shared, own in _keyed(build, name):
        yield from (f"{variable.name}=" for variable in (shared, own))
        recipe = stage.recipe
        if isinstance(recipe, NoKey):
            said = f"image {build.image}: stage {stage.name} is kept by branch alone: {recipe.reason}"
            yield shlex.join(["sledge_say", said])
            continue
        words = ["sledge_key_stage", header_of(recipe), use_program(recipe.use.sources), *recipe.base_images]
        yield f"if {shlex.join(words)}; then"
        yield f"  {shared.name}={quote(stage.shared)}"
        yield f"  {own.name}={quote(stage.own)}"
        yield f'  if sledge_is_trusted {trust}; then {own.name}="${{{shared.name}}}"; fi'
        yield "fi"
