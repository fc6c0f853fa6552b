"""From a Dockerfile's text to its instructions: directives, comments, continuation lines, here-documents.

As BuildKit's parser does it: a comment or an empty line inside a continued instruction is skipped, a doubled
escape at the end of a line continues nothing, a body ends at a line that is its name and nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sledgehammer.dockerfile.instruction import Heredoc, Instruction, may_open_heredoc, parse_instruction
from sledgehammer.dockerfile.words import HeredocMark, find_heredocs
from sledgehammer.errors import ConfigurationError

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """Parser directives: comments above everything else that say how to read the file."""

    syntax: str = ""  # image of the frontend that reads the file
    escape: str = "\\"
    check: str = ""


def read_directives(lines: list[str]) -> Directives:
    """Read the directives at the top. Raises ConfigurationError for one given twice, or an illegal escape.

    Below a `#!` line a syntax counts, as BuildKit looks for it, but no escape, as it reads instructions.
    """
    has_shebang = lines[0].startswith("#!")
    found: dict[str, str] = {}
    for line in lines[has_shebang:]:
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None or (name := match[1].lower()) not in Directives.__slots__:
            break
        if name in found:
            raise ConfigurationError(f"only one {name} directive can be used")
        found[name] = match[2]
    if has_shebang:
        found.pop("escape", None)
    if found.get("escape", "\\") not in ("\\", "`"):
        raise ConfigurationError(f"escape={found['escape']} is neither \\ nor `")
    return Directives(**found)


def read_instructions(lines: list[str], *, escape: str, name: str) -> Iterator[Instruction]:
    """All instructions in order; errors carry `name` and the line."""
    reader = _Reader(lines, escape)
    while (start := reader.skip_to_instruction()) is not None:
        try:
            yield reader.read(start)
        except ConfigurationError as error:
            raise located(error, name, start) from error


def located(error: ConfigurationError, name: str, line: int) -> ConfigurationError:
    """The same error, at its place in the file."""
    return ConfigurationError(f"{name}:{line}: {error.message}", hint=error.hint)


class _Reader:
    """Walks over the lines; `_at` is the index of the next one."""

    def __init__(self, lines: list[str], escape: str) -> None:
        self._lines = lines
        self._at = 0
        mark = re.escape(escape)
        self._continuation = re.compile(rf"(?<!{mark}){mark}[ \t]*$")

    def skip_to_instruction(self) -> int | None:
        """The number of the line at which the next instruction starts, None at the end."""
        while self._at < len(self._lines):
            line = self._lines[self._at].strip()
            if line and not line.startswith("#"):
                return self._at + 1
            self._at += 1
        return None

    def read(self, start: int) -> Instruction:
        text, is_continued = self._without_mark(self._lines[self._at].lstrip())
        self._at += 1
        while is_continued and self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.strip() == "" or line.lstrip().startswith("#"):
                continue
            more, is_continued = self._without_mark(line)
            text += more
        if text.strip() == "":
            raise ConfigurationError("a continuation mark with nothing to continue")
        return self._with_heredocs(parse_instruction(text, line=start))

    def _without_mark(self, line: str) -> tuple[str, bool]:
        shorter = self._continuation.sub("", line)
        return shorter, shorter != line

    def _with_heredocs(self, instruction: Instruction) -> Instruction:
        if not may_open_heredoc(instruction):
            return instruction
        inner = instruction.trigger or instruction
        bodies = tuple(self._read_body(mark) for mark in find_heredocs(inner.text))
        if instruction.trigger is not None:
            return replace(instruction, trigger=replace(inner, heredocs=bodies), heredocs=bodies)
        return replace(instruction, heredocs=bodies)

    def _read_body(self, mark: HeredocMark) -> Heredoc:
        content = ""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if (line.lstrip("\t") if mark.strips_tabs else line) == mark.name:
                return Heredoc(name=mark.name, content=content, strips_tabs=mark.strips_tabs, expands=mark.expands)
            content += line + "\n"
        raise ConfigurationError(
            f"the here-document {mark.name} has no end", hint=f"end it with a line that is {mark.name} and nothing else"
        )
