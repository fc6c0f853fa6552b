"""A ChangeSet as a person reads it, in the manner of Terraform, and as JSON."""

import json
from collections.abc import Iterable

from sledgehammer.changes import Action, AttributeChange, Change, ChangeSet, Statement, StatementChange
from sledgehammer.provisioning.json_form import to_json


def render_changes(changes: ChangeSet) -> str:
    """Every object that changes or has something to say, the permissions that change, then the summary line."""
    return _render_objects(changes) + _render_statements(changes) + _render_plan_line(changes)


def render_drift(changes: ChangeSet) -> str:
    """The same as a finding: how each object is, and how it should be. What only a person can mend differs, too."""
    if not changes.differing:
        return render_manual(changes) + _nothing_to_do(changes)
    missing, gone = changes.count(Action.CREATE), changes.count(Action.DELETE)
    numbers = f"{missing} missing, {len(changes.differing) - missing - gone} different, {gone} not asked for any more."
    line = f"{changes.provider}: Drift: {numbers}{_manual_steps(changes)}\n"
    return _render_objects(changes) + _render_statements(changes) + line


def render_change(change: Change) -> str:
    """One change: a line for the object, a line per attribute."""
    lines = [f"{change.action.value} {change.address}"]
    lines += [f"    {item.name}: {_difference(item)}" for item in change.attributes]
    lines += [f"    {line}" for line in (change.note, change.link) if line]
    return "\n".join(lines) + "\n"


def render_done(changes: ChangeSet) -> str:
    """The last line of an apply or a destroy: how many objects were added, changed, destroyed."""
    if not changes.pending:
        return _nothing_to_do(changes)
    added, changed, destroyed = (changes.count(each) for each in (Action.CREATE, Action.UPDATE, Action.DELETE))
    return f"{changes.provider}: {added} added, {changed} changed, {destroyed} destroyed.{_manual_steps(changes)}\n"


def render_manual(changes: ChangeSet) -> str:
    """The steps that only a person can take."""
    return "".join(render_change(change) for change in changes.manual)


def render_changes_json(changes: ChangeSet) -> str:
    """See `sledgehammer.provisioning.json_form`."""
    return json.dumps(to_json(changes), indent=2) + "\n"


def _render_objects(changes: ChangeSet) -> str:
    shown = (change for change in changes.changes if change.action is not Action.NONE or change.note)
    return "".join(render_change(change) for change in shown)


def _render_plan_line(changes: ChangeSet) -> str:
    if not changes.pending:
        return _nothing_to_do(changes)
    added, changed, destroyed = (changes.count(each) for each in (Action.CREATE, Action.UPDATE, Action.DELETE))
    numbers = f"Plan: {added} to add, {changed} to change, {destroyed} to destroy."
    calls = f" About {changes.calls} API calls." if changes.calls else ""
    return f"{changes.provider}: {numbers}{_manual_steps(changes)}{calls}\n"


def _nothing_to_do(changes: ChangeSet) -> str:
    unchanged = changes.count(Action.NONE)
    return f"{changes.provider}: nothing to do, {unchanged} objects are as they should be.{_manual_steps(changes)}\n"


def _manual_steps(changes: ChangeSet) -> str:
    count = len(changes.manual)
    return f" {count} manual step{'s' if count > 1 else ''}." if count else ""


def _render_statements(changes: ChangeSet) -> str:
    rows = [_row(change, item) for change in changes.changes for item in change.statements]
    if not rows:
        return ""
    header = ("", "object", "effect", "actions", "resource", "condition", "needed by")
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    lines = (_line(row, widths) for row in (header, *rows))
    return "permissions:\n" + "".join(f"  {line}\n" for line in lines)


def _row(change: Change, item: StatementChange) -> tuple[str, ...]:
    said = item.statement
    actions = ", ".join(said.actions)
    return (item.action.value, change.name, said.effect, actions, _resource(said), said.condition, said.reason)


def _resource(statement: Statement) -> str:
    """What a statement is about: a resource, or in a trust policy whoever is trusted."""
    return statement.resource or statement.principal


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _difference(item: AttributeChange) -> str:
    if not item.before:
        return item.after
    return f"{item.before} -> {item.after or '(none)'}"
