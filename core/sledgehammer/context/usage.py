"""Which files of its context a target really uses: the sources of COPY and ADD and the bind mounts of RUN in all
stages that are built for it.

More may be counted than is used, never less: a link that a source goes through stands for the whole context, and
so does a source with a variable that only the base image could know; `--exclude` leaves nothing out.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sledgehammer.context.listing import ContextFile, FileKind
from sledgehammer.context.pattern import UnreadablePatternError, compile_expression
from sledgehammer.context.sources import SourcePattern, instruction_sources, remote_sources
from sledgehammer.dockerfile.graph import NO_ARGS, StageGraph
from sledgehammer.dockerfile.scope import scoped_instructions

SYNTAX_ARG = "BUILDKIT_SYNTAX"
"""A build argument that goes before the directive."""

_OFFICIAL_SYNTAX = re.compile(r"(docker\.io/)?docker/dockerfile(-upstream)?([:@].*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUse:
    """What a target takes from its context. `unknown` are reasons why its result is not a matter of files alone."""

    sources: tuple[SourcePattern, ...]
    unknown: tuple[str, ...] = ()

    def select(self, files: Iterable[ContextFile]) -> tuple[ContextFile, ...]:
        """Those of the (not ignored) files that are used."""
        return select_files(self.sources, files)


def select_files(sources: Sequence[SourcePattern], files: Iterable[ContextFile]) -> tuple[ContextFile, ...]:
    """Files that any of the sources takes; all of them when a source goes through a link."""
    present = tuple(files)
    if goes_through_link(sources, present):
        return present
    taken = [compile_expression(source.files) for source in sources]
    return tuple(file for file in present if any(found.search(os.fsencode(file.path)) for found in taken))


def goes_through_link(sources: Iterable[SourcePattern], files: Iterable[ContextFile]) -> bool:
    """Whether a source is a link among the files, or lies behind one."""
    links = [os.fsencode(file.path) for file in files if file.kind is FileKind.SYMLINK]
    followed = [compile_expression(link) for source in sources for link in source.links]
    return any(expression.search(path) for expression in followed for path in links)


def context_use(graph: StageGraph, *, target: str = "", args: Mapping[str, str] = NO_ARGS) -> ContextUse:
    """Read the use off a Dockerfile. Raises ConfigurationError where the graph cannot be built for the target."""
    sources: list[SourcePattern] = []
    unknown: list[str] = []
    for syntax in (args.get(SYNTAX_ARG), graph.directives.syntax):
        if syntax and _OFFICIAL_SYNTAX.fullmatch(syntax) is None:
            unknown.append(f"the frontend {syntax} may read more than Dockerfiles say")
    for stage in graph.reachable(target, args):
        for scoped in scoped_instructions(graph, stage, args):
            place = f"{graph.name}:{scoped.instruction.line}"
            try:
                sources += instruction_sources(scoped)
                for word in remote_sources(scoped):
                    unknown.append(f"{place}: ADD {word} {'may be' if '$' in word else 'is'} fetched from elsewhere")
            except UnreadablePatternError as error:
                unknown.append(f"{place}: {error.message}")
    return ContextUse(sources=tuple(dict.fromkeys(sources)), unknown=tuple(unknown))
