"""A policy document as records.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_ELEMENTS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Condition"),
    *("Action", "NotAction", "Resource", "NotResource"),
}


class PolicyError(Exception):
    """A document that cannot be read, or says what this stack does not know: whoever it is about is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of a Condition: `operator` as written, such as `ForAnyValue:StringLike`."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`principals` are (kind, name), such as ("Service", "codebuild.amazonaws.com"); "*" alone is ("AWS", "*")."""

    is_allow: bool
    sid: str
    actions: tuple[str, ...]
    is_not_action: bool
    resources: tuple[str, ...]
    is_not_resource: bool
    principals: tuple[tuple[str, str], ...]
    is_not_principal: bool
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A document; `name` is what a refusal calls it."""

    name: str
    statements: tuple[Statement, ...]


@lru_cache(maxsize=1024)
def parse_policy(text: str, *, name: str) -> Policy:
    """Raises PolicyError."""
    if "${" in text:
        raise PolicyError(f"{name}: the local stack knows no policy variables (${{…}})")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PolicyError(f"{name} is no JSON: {error}") from error
    found = document.get("Statement", []) if isinstance(document, dict) else None
    if found is None:
        raise PolicyError(f"{name} is no object")
    statements = found if isinstance(found, list) else [found]
    return Policy(name=name, statements=tuple(_statement(one, name) for one in statements))


def _statement(given: Mapping[str, Any], name: str) -> Statement:
    if unknown := set(given) - _ELEMENTS:
        raise PolicyError(f"{name}: a statement has no {', '.join(sorted(unknown))}")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{name}: a statement's Effect is Allow or Deny")
    return Statement(
        is_allow=given["Effect"] == "Allow",
        sid=given.get("Sid", ""),
        actions=_texts(given.get("Action", given.get("NotAction", ()))),
        is_not_action="NotAction" in given,
        resources=_texts(given.get("Resource", given.get("NotResource", ()))),
        is_not_resource="NotResource" in given,
        principals=_principals(given.get("Principal", given.get("NotPrincipal", {}))),
        is_not_principal="NotPrincipal" in given,
        criteria=tuple(
            Criterion(operator=operator, key=key.lower(), values=_texts(values))
            for operator, keys in given.get("Condition", {}).items()
            for key, values in keys.items()
        ),
    )


def _principals(given: Any) -> tuple[tuple[str, str], ...]:
    if given == "*":
        return (("AWS", "*"),)
    return tuple((kind, name) for kind, names in given.items() for name in _texts(names))


def _texts(given: Any) -> tuple[str, ...]:
    """One or several; booleans and numbers as JSON writes them."""
    values = given if isinstance(given, list | tuple) else [given]
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in values)
