"""Go's file patterns as extended regular expressions over bytes, which Python's `re` and every awk read alike.

A character is one rune: in a name a byte that begins one, and the continuation bytes after it. Expressions hold
no backslash inside brackets and no `]`, `^` or `-` as the end of a range, where dialects differ.
"""

import re
from dataclasses import dataclass, field

from sledgehammer.errors import ConfigurationError

RUNE = b"[^\x80-\xbf/][\x80-\xbf]*"
"""Any character but a slash."""

_WIDE_RUNE = b"[\xc0-\xff][\x80-\xbf]*"
_SPECIAL = rb"\^$.[]|()*+?{}"
_ASCII = range(1, 128)


class UnreadablePatternError(ConfigurationError):
    """A pattern that Go refuses, or that is read in a way that no expression here repeats."""


def literal(text: str | bytes) -> bytes:
    """An expression for exactly this text."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return b"".join(b"\\" + raw[at : at + 1] if raw[at] in _SPECIAL else raw[at : at + 1] for at in range(len(raw)))


def file_match(pattern: str) -> bytes:
    """The expression of `filepath.Match`: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` do not."""
    done, at = b"", 0
    while at < len(pattern):
        character = pattern[at]
        if character == "[":
            characters, at = read_class(pattern, at)
            done += characters
            continue
        if character == "\\":
            at += 1
            if at == len(pattern):
                raise UnreadablePatternError(f"the pattern `{pattern}` ends with a backslash")
            done += literal(pattern[at])
        else:
            done += {"*": b"[^/]*", "?": RUNE}.get(character) or literal(character)
        at += 1
    return done


def read_class(pattern: str, start: int, *, refused: str = "") -> tuple[bytes, int]:
    """The expression of the class that opens at `start`, and where the pattern goes on. `refused` are characters
    that the caller cannot have in a class. Raises UnreadablePatternError for a class that Go refuses."""
    reader = _Class(pattern, start + 1, refused)
    is_negated = pattern[start + 1 : start + 2] == "^"
    reader.at += is_negated
    members, wide = reader.members()
    if not is_negated:
        return b"(" + b"|".join([*_alternatives(members), *map(literal, sorted(wide))]) + b")", reader.at
    if wide:
        raise UnreadablePatternError(f"the class in `{pattern}` excludes characters beyond ASCII")
    return b"(" + b"|".join([*_alternatives(set(_ASCII) - members), _WIDE_RUNE]) + b")", reader.at


@dataclass(slots=True)
class _Class:
    pattern: str
    at: int
    refused: str
    wide: set[str] = field(default_factory=set)

    def members(self) -> tuple[set[int], set[str]]:
        """Code points in ASCII, and single characters beyond it."""
        found: set[int] = set()
        while (not found and not self.wide) or self.pattern[self.at : self.at + 1] != "]":
            low = high = self._character()
            if self.pattern[self.at : self.at + 1] == "-":
                self.at += 1
                high = self._character()
            if ord(low) > ord(high):
                raise UnreadablePatternError(f"the class in `{self.pattern}` has a range that runs backwards")
            if low != high and not high.isascii():
                raise UnreadablePatternError(f"the class in `{self.pattern}` has a range beyond ASCII")
            if high.isascii():
                found.update(range(ord(low), ord(high) + 1))
            else:
                self.wide.add(low)
        self.at += 1
        return found, self.wide

    def _character(self) -> str:
        character = self.pattern[self.at : self.at + 1]
        if character in ("", "-", "]") or character in self.refused:
            raise UnreadablePatternError(f"the class in `{self.pattern}` is not closed, or holds `{character}` bare")
        self.at += 1
        if character == "\\":
            character = self.pattern[self.at : self.at + 1]
            self.at += 1
            if character == "" or (self.refused and character.isalnum()):
                raise UnreadablePatternError(f"the class in `{self.pattern}` has an escape that means nothing")
        return character


def _alternatives(members: set[int]) -> list[bytes]:
    """The set as single characters and one bracket of ranges between letters, digits or controls."""
    plain = sorted(code for code in members if bytes([code]) not in (b"]", b"^", b"-", b"\\", b"["))
    special = [literal(bytes([code])) for code in sorted(members - set(plain))]
    ranges = b""
    at = 0
    while at < len(plain):
        end = at
        while end + 1 < len(plain) and plain[end + 1] == plain[end] + 1:
            end += 1
        ranges += bytes([plain[at]]) if end == at else bytes([plain[at]]) + b"-" + bytes([plain[end]])
        at = end + 1
    return [*special, b"[" + ranges + b"]"] if ranges else special


def compile_expression(expression: bytes) -> re.Pattern[bytes]:
    """For `search` in a path's bytes; the expression carries its own anchors."""
    return re.compile(expression, re.DOTALL)
