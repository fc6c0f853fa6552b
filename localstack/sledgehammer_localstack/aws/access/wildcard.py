"""IAM's patterns: `*` any characters, `?` one."""

import re
from functools import cache

ARN_PARTS = 6


def matches(pattern: str, text: str) -> bool:
    """A pattern against a whole text."""
    return _expression(pattern).fullmatch(text) is not None


def matches_action(pattern: str, action: str) -> bool:
    """Actions know no case (IAM user guide, "IAM JSON policy elements: Action")."""
    return matches(pattern.lower(), action.lower())


def matches_arn(pattern: str, arn: str) -> bool:
    """Part by part: a wildcard does not reach over the first five colons (IAM user guide, "IAM JSON policy elements:
    Condition operators", ARN operators)."""
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", ARN_PARTS - 1), arn.split(":", ARN_PARTS - 1)
    return len(wanted) == len(given) and all(map(matches, wanted, given))


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL)
