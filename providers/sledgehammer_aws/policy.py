"""IAM's JSON documents: how they are written, and compared however they are spelled. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from sledgehammer.changes import Statement

STATEMENT = "statement "
"""Begins the names of attributes that are statements of a policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One statement of a role's policy; `reason` is the operation that needs it."""

    sid: str
    reason: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str | Sequence[str]]] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """As IAM takes it."""
        condition = {"Condition": self.condition} if self.condition else {}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
            **condition,
        }


def policy_document(permissions: Sequence[Permission]) -> str:
    """A policy of these statements."""
    return statements_document([permission.document() for permission in permissions])


def statements_document(statements: Sequence[Mapping[str, object]]) -> str:
    """A policy of statements that are written out, such as a role's trust."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement_attributes(document: str | Mapping[str, object]) -> Mapping[str, str]:
    """A policy's statements as attributes of a plan: `statement <Sid>` to canonical text."""
    return {f"{STATEMENT}{sid}": text for sid, text in statements_of(document).items()}


def statement_records(attributes: Mapping[str, object], reasons: Mapping[str, str]) -> tuple[Statement, ...]:
    """The same as rows of a plan's table of permissions; `reasons` by Sid."""
    texts = {
        name.removeprefix(STATEMENT): str(text)
        for name, text in attributes.items()
        if name.startswith(STATEMENT) and text
    }
    return tuple(_record(json.loads(text), reason=reasons.get(sid, "")) for sid, text in texts.items())


def document_records(document: str) -> tuple[Statement, ...]:
    """All statements of a policy, such as who may take a role, as rows of the same table."""
    return tuple(_record(json.loads(text)) for text in statements_of(document).values())


def _record(statement: Mapping[str, object], *, reason: str = "") -> Statement:
    condition, principal = statement.get("Condition", ""), statement.get("Principal", "")
    actions = statement.get("Action", [])
    resources = statement.get("Resource", [])
    return Statement(
        effect=str(statement.get("Effect", "")),
        actions=tuple(actions if isinstance(actions, list) else [str(actions)]),
        resource=" ".join(resources if isinstance(resources, list) else [str(resources)]),
        condition=_text(condition) if condition else "",
        principal=_text(principal) if principal else "",
        reason=reason,
    )


def canonical(document: str | Mapping[str, object]) -> str:
    """One text for all spellings of a JSON policy: IAM gives documents back URL-encoded or parsed, keys in any
    order, and a list of one as the item itself; lists in it are sets."""
    return _text(_normal(_parsed(document)))


def statements_of(document: str | Mapping[str, object]) -> Mapping[str, str]:
    """A policy's statements as canonical texts by their Sid, so that a difference is told by statement."""
    found = _parsed(document).get("Statement", [])
    statements = found if isinstance(found, list) else [found]
    return {
        str(statement.get("Sid", position)): _text(_normal({k: v for k, v in statement.items() if k != "Sid"}))
        for position, statement in enumerate(statements, start=1)
    }


def source_arns(trust: str | Mapping[str, object]) -> frozenset[str]:
    """The ARNs on whose behalf a role may be taken, by the condition `aws:SourceArn` (IAM user guide, "The confused
    deputy problem")."""
    found = set[str]()
    for text in statements_of(trust).values():
        for keys in json.loads(text).get("Condition", {}).values():
            arns = keys.get("aws:SourceArn", [])
            found |= set(arns if isinstance(arns, list) else [arns])
    return frozenset(found)


def _parsed(document: str | Mapping[str, object]) -> Mapping[str, object]:
    if not isinstance(document, str):
        return document
    parsed: Mapping[str, object] = json.loads(unquote(document) if document.startswith("%") else document)
    return parsed


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _normal(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_normal(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    return value
