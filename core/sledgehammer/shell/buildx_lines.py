"""A Build by `docker buildx build`."""

from sledgehammer.operations import Build, CacheExport, Text, text
from sledgehammer.shell.arguments import (
    common_arguments,
    flags,
    function,
    repository,
    target_flag,
    unless_equal,
)
from sledgehammer.shell.quote import quote
from sledgehammer.shell.record_lines import note_lines, record_lines
from sledgehammer.shell.reuse_lines import last_steps
from sledgehammer.shell.stage_key_lines import export_lines, keyed_sources, stage_key_lines

LOCAL_SOURCE = "type=local,src="
REGISTRY_REF = "type=registry,ref="


def buildx_lines(build: Build, name: str) -> list[str]:
    """The build, then its exports. `name` is a shell function that completes the arguments of both."""
    sources = unless_equal((source, _source(source)) for source in build.cache_from)
    keyed = keyed_sources(build, name, lambda reference: quote(text(REGISTRY_REF, *reference)))
    lines = stage_key_lines(build, name)
    # A key is made of the bases that the registry has, so an engine that has older ones takes none of its own.
    pull = ['[ -z "${sledge_key_reference-}" ] || set -- "$@" --pull'] if build.reuse is not None else []
    arguments = [*common_arguments(build), *pull, *keyed, *sources]
    lines += function(name, [*arguments, f'"$@" -- {quote((build.context,))}'])
    # Without an attestation the pushed manifest is the image itself, which AWS Lambda demands (docker/buildx#1533).
    where = quote(repository(build.tags[0])) if build.push else "''"
    exports = f"{name}_exports" if build.exports else ""
    if exports:
        lines += function(exports, _exports(build, name))
    lines += note_lines(build.record) if build.record is not None else []
    lines.append(
        f"{name} sledge_build {quote((build.image,))} {where} {quote((exports,))} --provenance=false{flags(build)}"
    )
    lines += ['wait "$sledge_noting_record" || true'] if build.record is not None else []
    beside = _beside(build, where)
    if beside:
        lines += ["{", *(f"  {line}" for line in beside), "} &", "sledge_beside=$!"]
    if exports:
        lines.append("sledge_end_exports")
    if beside:
        lines.append('wait "$sledge_beside" || true')
    return lines


def _exports(build: Build, name: str) -> list[str]:
    """What writes the caches beside the push of the image."""
    watched = [
        export.writer.ref for export in build.exports if export.writer is not None and _watched_ref(build, export)
    ]
    lines = [*(f"sledge_note_ref {quote(ref)}" for ref in watched), "sledge_await_steps || return 0"]
    return lines + export_lines(build, name, lambda export: _export(build, export, name))


def _beside(build: Build, where: str) -> list[str]:
    """What is kept of a build in the registry, small things that take a few calls: while the cache is exported."""
    lines: list[str] = []
    if build.reuse is not None:
        lines.append(f"sledge_keep_key {quote((build.image,))} {where} {last_steps(build.reuse)} &")
    if build.record is not None:
        lines += record_lines(build, build.record)
    return [*lines, "wait"] if lines else []


def _source(source: Text) -> str:
    line = f'set -- "$@" --cache-from {quote(source)}'
    if source[0] != LOCAL_SOURCE:
        return line
    return f"[ ! -e {quote(source[1:])}/index.json ] || {line}"  # buildx warns or fails without one


def _export(build: Build, export: CacheExport, name: str) -> str:
    """A cache comes without an image: but for a word the engine's builder would store and unpack one."""
    if export.image and export.attributes:
        how = f"--output type=cacheonly --cache-to {quote(text(REGISTRY_REF, *export.image, *export.attributes))}"
    elif export.image:
        output = text('type=image,push=true,"name=', *export.image, '"')
        how = f"--cache-to type=inline --output {quote(output)}"
    else:
        how = f"--output type=cacheonly --cache-to {quote(export.attributes)}"
    words = [quote((build.image,)), quote((export.what,)), str(export.timeout_s), quote(export.folder)]
    words.append(quote(_watched_ref(build, export)))
    return f"{name} sledge_export {' '.join(words)} {how}{target_flag(build, export)}"


def _watched_ref(build: Build, export: CacheExport) -> Text:
    """The ref that a registry cache is written to, where the script asks registries at all, as for `reuse`."""
    if build.reuse is None or export.writer is None:
        return ()
    if export.attributes[:1] == (REGISTRY_REF,):
        return export.writer.ref
    return export.image if export.attributes else ()
