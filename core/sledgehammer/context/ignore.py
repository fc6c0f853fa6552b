""".dockerignore, read and applied as BuildKit does (moby/patternmatcher, tonistiigi/fsutil).

Rules are tried in order and the last that matches wins, with one trait that is easily missed: a rule is looked at
only while it could change the answer, and whether it matched a folder is remembered for all that lies below. So an
exception matches below a folder only if the folder was ignored by a rule before it.
"""

import os
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from sledgehammer.context.pattern import (
    RUNE,
    UnreadablePatternError,
    compile_expression,
    file_match,
    literal,
    read_class,
)

IGNORE_FILE = ".dockerignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRule:
    """One line. `expression` is anchored on both sides as far as the pattern is."""

    pattern: str
    expression: bytes
    is_exception: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRules:
    """All lines in order."""

    rules: tuple[IgnoreRule, ...] = ()

    def matcher(self) -> Callable[[str], bool]:
        """A function that says whether a path is ignored; it remembers the folders that it has seen."""
        compiled = self._compiled()
        folders: dict[bytes, tuple[bool, ...]] = {}

        def matched_by(path: bytes) -> tuple[bool, ...]:
            folder = path.rpartition(b"/")[0]
            above = (False,) * len(compiled)
            if folder:
                if folder not in folders:
                    folders[folder] = matched_by(folder)
                above = folders[folder]
            return _matches(path, above, compiled)

        def is_ignored(path: str) -> bool:
            ignored = False
            for (_, is_exception), matched in zip(compiled, matched_by(os.fsencode(path)), strict=True):
                ignored = not is_exception if matched else ignored
            return ignored

        return is_ignored

    def hits(self, name: str) -> tuple[bool, ...]:
        """Which rules match a file or folder at the top, and so all that lies below."""
        return _matches(os.fsencode(name), (False,) * len(self.rules), self._compiled())

    def _compiled(self) -> list[tuple[re.Pattern[bytes], bool]]:
        return [(compile_expression(rule.expression), rule.is_exception) for rule in self.rules]


def _matches(path: bytes, above: tuple[bool, ...], compiled: list[tuple[re.Pattern[bytes], bool]]) -> tuple[bool, ...]:
    found, ignored = [], False
    for matched_above, (expression, is_exception) in zip(above, compiled, strict=True):
        matched = matched_above or (is_exception == ignored and expression.search(path) is not None)
        if matched:
            ignored = not is_exception
        found.append(matched)
    return tuple(found)


def read_ignore(content: bytes) -> IgnoreRules:
    """Raises UnreadablePatternError, which BuildKit mostly does as well."""
    rules = []
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        pattern = line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if pattern.startswith("#") or not pattern.strip():
            continue
        pattern = pattern.strip()
        is_exception = pattern.startswith("!")
        pattern = _clean(pattern[is_exception:].strip())
        if pattern == "":
            raise UnreadablePatternError("the ignore file has a line that is `!` and nothing else")
        file_match(pattern)  # what Go's own Match refuses is an error
        rules.append(IgnoreRule(pattern=pattern, expression=matcher_expression(pattern), is_exception=is_exception))
    return IgnoreRules(rules=tuple(rules))


def _clean(pattern: str) -> str:
    if pattern == "":
        return ""
    cleaned = posixpath.normpath(pattern)
    cleaned = "/" + cleaned.lstrip("/") if cleaned.startswith("/") else cleaned
    return cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned


def matcher_expression(pattern: str) -> bytes:
    """What moby/patternmatcher makes of one cleaned pattern: plain, prefix (`a**`), suffix (`**a`), or with `*`."""
    done, at, steps = b"", 0, 0
    is_prefix = is_suffix = is_wild = False
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*" and pattern[at : at + 1] == "*":
            at += 1 + (pattern[at + 1 : at + 2] == "/")
            if at >= len(pattern):
                done += b".*"
                is_prefix = not (is_wild or is_suffix)
                is_wild = is_wild or is_suffix
            else:
                done += b"(.*/)?"
                is_wild = True
            if steps == 0:
                is_suffix, is_wild, is_prefix = True, False, False
        elif character in "*?":
            done += b"[^/]*" if character == "*" else RUNE
            is_wild = True
        elif character == "\\":
            done += literal(pattern[at : at + 1])
            at += 1
            is_wild = True
        elif character == "[":
            characters, at = read_class(pattern, at - 1, refused="*?[")
            done += characters
            is_wild = True
        else:
            done += literal(character)
        steps += 1
    if is_prefix:
        return b"^" + literal(pattern[:-2])
    if is_suffix and not is_wild:
        return _suffix(pattern[2:])
    return b"^" + done + b"$"


def _suffix(end: str) -> bytes:
    """`**/a` is `a` too; `**a` is whatever ends so."""
    if end.startswith("/"):
        return b"(^|/)" + literal(end[1:]) + b"$" if len(end) > 1 else b"/$"
    return literal(end) + b"$"
