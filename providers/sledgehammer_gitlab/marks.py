"""Our mark in the texts that GitLab's objects have for notes. Pure.

A description ends with `[sledge]`, or with facts in it: `[sledge by=team/web value=0123abcd]`.
"""

import re
from dataclasses import dataclass

from sledgehammer.errors import ConfigurationError

LONGEST_DESCRIPTION = 255
"""Of a variable (Project-level CI/CD variables API, `description`)."""

_MARK = re.compile(r"\s*\[sledge((?: [a-z]+=[^\s\]=]+)*)\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a mark tells. `by` is the project that made an object which others share, `value` the fingerprint of a
    value that cannot be read, `token` the id of the token whose text a variable holds."""

    by: str = ""
    value: str = ""
    token: str = ""

    def __str__(self) -> str:
        facts = (("by", self.by), ("value", self.value), ("token", self.token))
        return "[" + " ".join(["sledge", *(f"{name}={fact}" for name, fact in facts if fact)]) + "]"


def marked(text: str, mark: Mark) -> str:
    """A person's text with our mark. Raises ConfigurationError when both together are too long for GitLab."""
    whole = f"{text} {mark}".strip()
    if len(whole) > LONGEST_DESCRIPTION:
        room = LONGEST_DESCRIPTION - len(str(mark)) - 1
        raise ConfigurationError(f'the description "{text[:40]}…" is too long: there is room for {room} characters')
    return whole


def read_mark(whole: str | None) -> tuple[str, Mark | None]:
    """The person's text and the mark; None for an object without one."""
    found = _MARK.search(whole or "")
    if found is None:
        return whole or "", None
    facts = dict(fact.split("=", 1) for fact in found[1].split())
    mark = Mark(by=facts.get("by", ""), value=facts.get("value", ""), token=facts.get("token", ""))
    return (whole or "")[: found.start()], mark
