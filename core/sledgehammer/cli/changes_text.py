"""A ChangeSet as a person reads it, and as JSON."""

import json
from collections import Counter

from sledgehammer.changes import Action, Change, ChangeSet


def render_changes(changes: ChangeSet) -> str:
    """Every pending or manual change with its attributes, then the summary line."""
    shown = [render_change(change) for change in changes.changes if change.action is not Action.NONE]
    return "".join(shown) + render_summary(changes, done=False)


def render_change(change: Change) -> str:
    """One change: a line for the object, a line per attribute."""
    lines = [f"{change.action.value} {change.address}"]
    lines += [f"    {item.name}: {_diff(item.before, item.after)}" for item in change.attributes]
    if change.note:
        lines.append(f"    {change.note}")
    return "\n".join(lines) + "\n"


def render_summary(changes: ChangeSet, *, done: bool) -> str:
    """The last line: how many objects are added, changed, destroyed."""
    counts = Counter(change.action for change in changes.changes)
    if not changes.pending:
        return f"{changes.provider}: nothing to do, {counts[Action.NONE]} objects are as they should be\n"
    numbers = (counts[Action.CREATE], counts[Action.UPDATE], counts[Action.DELETE])
    if done:
        return f"{changes.provider}: {numbers[0]} added, {numbers[1]} changed, {numbers[2]} destroyed\n"
    return f"{changes.provider}: {numbers[0]} to add, {numbers[1]} to change, {numbers[2]} to destroy\n"


def render_changes_json(changes: ChangeSet) -> str:
    """`{"provider", "changes": [{"action", "kind", "name", "attributes": {name: {"before", "after"}}, "note"}]}`."""
    rows = [
        {
            "action": change.action.name.lower(),
            "kind": change.kind,
            "name": change.name,
            "attributes": {item.name: {"before": item.before, "after": item.after} for item in change.attributes},
            "note": change.note,
        }
        for change in changes.changes
    ]
    return json.dumps({"provider": changes.provider, "changes": rows}, indent=2) + "\n"


def _diff(before: str, after: str) -> str:
    if not before:
        return after
    return f"{before} -> {after or '(none)'}"
