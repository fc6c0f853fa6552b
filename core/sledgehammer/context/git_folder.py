"""Whether a target may hold the repository itself, which is another one with every commit and no part of a key.

More is taken for possible than is: where a pattern's first element fits `.git`, the rest may fit something below it.
"""

import posixpath
from collections.abc import Sequence

from sledgehammer.context.ignore import IgnoreRule, IgnoreRules, matcher_expression
from sledgehammer.context.pattern import UnreadablePatternError, compile_expression, file_match
from sledgehammer.context.sources import SourcePattern

GIT = ".git"
_WHOLE = (f"{GIT}/*", f"{GIT}/**")


def sends_git(rules: IgnoreRules, *, context: str) -> bool:
    """Whether anything at or below `.git` may be sent to the builder: what the last rule that matches it ignores, an
    exception behind that rule may let through."""
    if posixpath.normpath(context) != ".":
        return False
    hits = rules.hits(GIT)
    if True not in hits:
        ignores_content = any(rule.pattern in _WHOLE and not rule.is_exception for rule in rules.rules)
        return not ignores_content or _may_let_through(rules.rules)
    last = len(hits) - 1 - hits[::-1].index(True)
    return _may_let_through(rules.rules[last:])


def may_take_git(source: SourcePattern) -> bool:
    """Whether what a source takes may lie at or below `.git`."""
    return _matches(source.top)


def _may_let_through(rules: Sequence[IgnoreRule]) -> bool:
    return any(rule.is_exception and _may_fit(rule.pattern) for rule in rules)


def _may_fit(pattern: str) -> bool:
    first = pattern.partition("/")[0]
    try:
        file_match(first)
        return "**" in first or _matches(matcher_expression(first))
    except UnreadablePatternError:  # such as a class with a slash in it
        return True


def _matches(expression: bytes) -> bool:
    return compile_expression(expression).search(GIT.encode()) is not None
