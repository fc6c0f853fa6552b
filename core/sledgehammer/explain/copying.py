"""What of a COPY or ADD its cache key holds: flags, names of the sources, destination, and the files by name."""

import os
import posixpath
from collections.abc import Sequence
from dataclasses import replace

from sledgehammer.context.listing import ContextFile
from sledgehammer.context.pattern import compile_expression
from sledgehammer.context.sources import SourcePattern, copied_words
from sledgehammer.context.usage import select_files
from sledgehammer.dockerfile.scope import ScopedInstruction
from sledgehammer.dockerfile.words import split_words


def copy_text(scoped: ScopedInstruction, workdir: str) -> str:
    """Flags but `--from`, the last element of each source, here-documents, and, on the last line, the destination."""
    instruction = scoped.instruction
    flags = sorted(
        f"--{flag.name}={scoped.expanded(flag.value or '')}" for flag in instruction.flags if flag.name != "from"
    )
    bodies = [scoped.expanded(f'"{doc.content}"') if doc.expands else doc.content for doc in instruction.heredocs]
    names = [posixpath.basename(path) for path in copied_paths(scoped)]
    words = instruction.exec_form or split_words(instruction.text)
    destination = scoped.expanded(words[-1])
    below = posixpath.normpath(posixpath.join(workdir, destination))
    is_folder = destination.endswith("/") or destination in (".", "")
    return "\n".join([*flags, *names, *bodies, below + ("/" if is_folder else "")])


def copied_paths(scoped: ScopedInstruction) -> tuple[str, ...]:
    """The sources as absolute paths."""
    if scoped.instruction.keyword not in ("ADD", "COPY"):
        return ()
    words = (scoped.expanded(word) for word in copied_words(scoped.instruction))
    return tuple(word if "://" in word else posixpath.normpath("/" + word.lstrip("/")) for word in words)


def copied_files(sources: Sequence[SourcePattern], files: Sequence[ContextFile]) -> tuple[ContextFile, ...]:
    """The files that are taken, named below the folder in which their source lies: a copied folder may move."""
    taken: list[ContextFile] = []
    for source in sources:
        depth = source.text.count("/") if source.text != "." else 0
        matches = compile_expression(source.files)
        for file in select_files((source,), files):
            is_direct = matches.search(os.fsencode(file.path)) is not None
            path = "/".join(file.path.split("/")[depth:]) if is_direct else file.path
            taken.append(replace(file, path=path))
    return tuple(sorted(taken, key=lambda file: os.fsencode(file.path)))
