"""Path patterns of artifacts and caches: the globs of `github.com/bmatcuk/doublestar`, which GitLab's runner uses."""

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r"[*?\[{]")


class PathPatterns:
    """Patterns relative to the project directory. `**` spans directories, `*` and `?` do not; `[…]` and `{a,b}`
    as in a shell. A pattern that names a directory takes everything below it."""

    def __init__(self, patterns: Iterable[str], *, with_contents: bool = True) -> None:
        below = r"(?:/.*)?" if with_contents else ""
        self.patterns = tuple(_normal(pattern) for pattern in patterns)
        self._expressions = {
            pattern: re.compile((_regex(pattern) if pattern != "." else ".*") + below, re.DOTALL)
            for pattern in self.patterns
        }

    def matching(self, path: str) -> tuple[str, ...]:
        """The patterns that `path` falls under."""
        return tuple(pattern for pattern, regex in self._expressions.items() if regex.fullmatch(path))

    def roots(self) -> tuple[str, ...]:
        """The directories or files that together hold all matches, none inside another; `.` is everything."""
        roots = sorted({_fixed_part(pattern) for pattern in self.patterns})
        if "." in roots:
            return (".",)
        return tuple(r for r in roots if not any(r.startswith(f"{other}/") for other in roots))


def _normal(pattern: str) -> str:
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    return "/".join(parts) or "."


def _fixed_part(pattern: str) -> str:
    parts: list[str] = []
    for part in pattern.split("/"):
        if _SPECIAL.search(part):
            break
        parts.append(part)
    return "/".join(parts) or "."


def _regex(pattern: str) -> str:
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            out, at = out + r"(?:[^/]+/)*", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif pattern[at] == "*":
            out, at = out + "[^/]*", at + 1
        elif pattern[at] == "?":
            out, at = out + "[^/]", at + 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            members = pattern[at + 1 : end].replace("\\", r"\\")
            negated = "^" if members[0] in "!^" else ""
            out, at = out + f"[{negated}{members[len(negated) :]}]", end + 1
        elif pattern[at] == "{" and (end := pattern.find("}", at)) > 0:
            choices = (_regex(choice) for choice in pattern[at + 1 : end].split(","))
            out, at = out + f"(?:{'|'.join(choices)})", end + 1
        else:
            out, at = out + re.escape(pattern[at]), at + 1
    return out
