"""What one instruction takes from the build context, as expressions over paths."""

import csv
import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sledgehammer.context.ignore import matcher_expression
from sledgehammer.context.pattern import file_match, literal
from sledgehammer.dockerfile.instruction import Instruction
from sledgehammer.dockerfile.scope import ScopedInstruction
from sledgehammer.dockerfile.words import split_words, unquote

_ELSEWHERE = re.compile(r"https?://.+|git://.+|ssh://.+|[^/@]+@[^/:]+:.+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePattern:
    """One source below the context: `files` matches what is taken, `links` the links that are gone through, `top` the
    first element of the path of what is taken."""

    text: str
    files: bytes
    links: tuple[bytes, ...] = ()
    top: bytes = b"^"


EVERYTHING = SourcePattern(text=".", files=b"^")


def instruction_sources(scoped: ScopedInstruction) -> tuple[SourcePattern, ...]:
    """What one instruction takes from the context."""
    instruction = scoped.instruction
    if instruction.keyword in ("ADD", "COPY") and instruction.flag("from") is None:
        if any(not scoped.knows(word) for word in copied_words(instruction)):
            return (EVERYTHING,)
        words = [scoped.expanded(word) for word in copied_words(instruction)]
        has_parents = any(flag.name == "parents" and flag.value != "false" for flag in instruction.flags)
        make = parents_pattern if has_parents else source_pattern
        return tuple(make(word) for word in words if _ELSEWHERE.fullmatch(word) is None)
    if instruction.keyword == "RUN":
        values = [flag.value or "" for flag in instruction.flags if flag.name == "mount"]
        return tuple(pattern for value in values for pattern in _mounted(scoped, mount_options(value)))
    return ()


def remote_sources(scoped: ScopedInstruction) -> tuple[str, ...]:
    """URLs and git references of an ADD whose content nothing in the Dockerfile pins, and words that may be such."""
    instruction = scoped.instruction
    if instruction.keyword != "ADD" or instruction.flag("from") is not None or instruction.flag("checksum"):
        return ()
    words = [scoped.expanded(word) if scoped.knows(word) else word for word in copied_words(instruction)]
    return tuple(word for word in words if not scoped.knows(word) or _ELSEWHERE.fullmatch(word) is not None)


def copied_words(instruction: Instruction) -> list[str]:
    """Sources as written; here-documents are in the Dockerfile's own bytes."""
    if instruction.exec_form is not None:
        return list(instruction.exec_form[:-1])
    marks = {f"<<{'-' if doc.strips_tabs else ''}{doc.name}" for doc in instruction.heredocs}
    return [word for word in split_words(instruction.text)[:-1] if unquote(word).lstrip("0123456789") not in marks]


def _mounted(scoped: ScopedInstruction, options: Mapping[str, str]) -> Iterator[SourcePattern]:
    """What a mount takes from the context: a bind mount that names no stage or image. BuildKit expands all values but
    that of `from` (frontend/dockerfile/instructions/commands_runmount.go)."""
    kind, source = options.get("type", "bind"), options.get("source", "")
    if options.get("from"):
        return
    if scoped.knows(kind) and scoped.expanded(kind).lower() != "bind":
        return
    is_known = scoped.knows(kind) and scoped.knows(source)
    yield source_pattern(scoped.expanded(source), is_literal=True) if is_known else EVERYTHING


def mount_options(value: str) -> Mapping[str, str]:
    """The comma-separated `key=value` words of one `--mount`, the last of a key; `src` is called `source`."""
    options = {}
    for word in next(csv.reader(io.StringIO(value)), []):
        key, _, content = word.partition("=")
        name = key.strip().lower()
        options["source" if name == "src" else name] = content.strip()
    return options


def source_pattern(word: str, *, is_literal: bool = False) -> SourcePattern:
    """A path or pattern below the context; what it matches is taken with all that lies below."""
    path = posixpath.normpath("/" + word).lstrip("/")
    if path == "":
        return EVERYTHING
    make = literal if is_literal or not any(wild in path for wild in "*?[") else file_match
    elements = [make(element) for element in path.split("/")]
    prefixes = tuple(b"^" + b"/".join(elements[: end + 1]) + b"$" for end in range(len(elements)))
    return SourcePattern(text=path, files=b"^" + b"/".join(elements) + b"(/.*)?$", links=prefixes, top=prefixes[0])


def parents_pattern(word: str) -> SourcePattern:
    """A source under `--parents`: `**` is any number of folders, `/./` only says where the kept path begins."""
    pivot = word.partition("/./")[0] if "/./" in word else ""
    path = posixpath.normpath("/" + word).lstrip("/")
    if path == "":
        return EVERYTHING
    matched = matcher_expression(path)
    files = matched[:-1] + b"(/.*)?$" if matched.endswith(b"$") else matched
    first = path.partition("/")[0]
    top = b"^" if "**" in first else matcher_expression(first)
    return SourcePattern(text=path, files=files, links=source_pattern(pivot).links, top=top)
