"""Path patterns as Ruby's File.fnmatch with FNM_PATHNAME, FNM_DOTMATCH and FNM_EXTGLOB: what rules and includes use."""

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=512)
def path_pattern(glob: str) -> re.Pattern[str]:
    """`*` stays within one directory, `**/` spans any number of them, `{a,b}` chooses, dot files match."""
    return re.compile("|".join(f"(?:{_alternative(text)})" for text in _braces_expanded(glob)))


@lru_cache(maxsize=512)
def wildcard_pattern(text: str) -> re.Pattern[str]:
    """A pattern in which only `*` is special and also spans slashes, as in environment scopes and branch names."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def matches_any(globs: Iterable[str], paths: Iterable[str]) -> bool:
    """Whether any of the paths matches any of the patterns."""
    patterns = [path_pattern(glob) for glob in globs]
    return any(pattern.fullmatch(path) for path in paths for pattern in patterns)


def _braces_expanded(glob: str) -> list[str]:
    opening = glob.find("{")
    closing = _closing_brace(glob, opening)
    if opening < 0 or closing < 0:
        return [glob]
    head, body, tail = glob[:opening], glob[opening + 1 : closing], glob[closing + 1 :]
    return [text for choice in _choices(body) for text in _braces_expanded(head + choice + tail)]


def _closing_brace(glob: str, opening: int) -> int:
    depth = 0
    for position in range(max(opening, 0), len(glob)):
        depth += {"{": 1, "}": -1}.get(glob[position], 0)
        if depth == 0 and glob[position] == "}":
            return position
    return -1


def _choices(body: str) -> list[str]:
    depth, choices = 0, [""]
    for character in body:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            choices.append("")
        else:
            choices[-1] += character
    return choices


def _alternative(glob: str) -> str:
    regex, position = "", 0
    while position < len(glob):
        rest = glob[position:]
        character = rest[0]
        at_segment_start = position == 0 or glob[position - 1] == "/"
        taken = 1
        if at_segment_start and rest.startswith("**/"):
            regex, taken = regex + r"(?:[^/]+/)*", 3
        elif character == "*":
            regex += r"[^/]*"
        elif character == "?":
            regex += r"[^/]"
        elif character == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            regex, taken = regex + _character_class(rest[1:end]), end + 1
        elif character == "\\" and len(rest) > 1:
            regex, taken = regex + re.escape(rest[1]), 2
        else:
            regex += re.escape(character)
        position += taken
    return regex


def _character_class(body: str) -> str:
    negated = body[0] in "!^"
    members = (body[1:] if negated else body).replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
    return f"(?!/)[{'^' if negated else ''}{members}]"
