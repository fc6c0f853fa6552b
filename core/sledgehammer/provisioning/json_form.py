"""A ChangeSet as JSON and back. Stable: keys are added, never renamed or given another meaning; see
docs/provisioning.md."""

from collections.abc import Mapping
from typing import Any

from sledgehammer.changes import Action, AttributeChange, Change, ChangeSet, Statement, StatementChange

FORMAT = 1

Json = Mapping[str, Any]


def to_json(changes: ChangeSet) -> dict[str, Any]:
    """Secrets are `***` in it, as in the records."""
    return {
        "format": FORMAT,
        "provider": changes.provider,
        "summary": {
            "add": changes.count(Action.CREATE),
            "change": changes.count(Action.UPDATE),
            "destroy": changes.count(Action.DELETE),
            "manual": changes.count(Action.MANUAL),
            "calls": changes.calls,
        },
        "changes": [_change_to_json(change) for change in changes.changes],
    }


def from_json(row: Json) -> ChangeSet:
    """Raises KeyError, TypeError or ValueError for what `to_json` did not write."""
    if row["format"] != FORMAT:
        raise ValueError(f"format {row['format']} is not {FORMAT}")
    return ChangeSet(
        provider=str(row["provider"]), changes=tuple(_change_from_json(change) for change in row["changes"])
    )


def _change_to_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.name.lower(),
        "kind": change.kind,
        "name": change.name,
        "attributes": {item.name: {"before": item.before, "after": item.after} for item in change.attributes},
        "note": change.note,
        "link": change.link,
        "statements": [
            {
                "action": item.action.name.lower(),
                "effect": item.statement.effect,
                "actions": list(item.statement.actions),
                "resource": item.statement.resource,
                "condition": item.statement.condition,
                "principal": item.statement.principal,
                "reason": item.statement.reason,
            }
            for item in change.statements
        ],
        "calls": change.calls,
    }


def _change_from_json(row: Json) -> Change:
    return Change(
        action=Action[row["action"].upper()],
        kind=row["kind"],
        name=row["name"],
        attributes=tuple(
            AttributeChange(name=name, before=item["before"], after=item["after"])
            for name, item in row["attributes"].items()
        ),
        note=row["note"],
        link=row["link"],
        statements=tuple(_statement_from_json(item) for item in row["statements"]),
        calls=row["calls"],
    )


def _statement_from_json(row: Json) -> StatementChange:
    return StatementChange(
        action=Action[row["action"].upper()],
        statement=Statement(
            effect=row["effect"],
            actions=tuple(row["actions"]),
            resource=row["resource"],
            condition=row["condition"],
            principal=row["principal"],
            reason=row.get("reason", ""),  # plans that were saved before there was one
        ),
    )
