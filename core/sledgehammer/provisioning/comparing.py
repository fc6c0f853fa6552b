"""From objects as they are and as they should be to the changes of a plan."""

import shlex
from collections.abc import Iterable, Sequence

from sledgehammer.changes import Action, AttributeChange, Change, ChangeSet, StatementChange
from sledgehammer.errors import ConflictError
from sledgehammer.provisioning.managed import (
    Attributes,
    GrantsPermissions,
    ManagedObject,
    Observed,
    Owner,
    Removable,
)
from sledgehammer.secret import Secret


def plan_objects(objects: Sequence[ManagedObject], *, provider: str) -> ChangeSet:
    """Compare every object with what is there.

    Raises ConflictError that names every object that would change and is not ours.
    """
    seen = [(item, item.observe()) for item in objects]
    changes = [change_of(item, observed) for item, observed in seen]
    pairs = zip(seen, changes, strict=True)
    foreign = [(observed, change) for (_, observed), change in pairs if observed and _is_foreign(observed, change)]
    _refuse_foreign(foreign, provider)
    return ChangeSet(provider=provider, changes=tuple(changes))


def plan_destruction(objects: Sequence[ManagedObject], *, provider: str) -> ChangeSet:
    """Delete what carries our mark, last made first; everything else is listed as unchanged."""
    changes = [_destruction_of(item, item.observe()) for item in reversed(objects)]
    return ChangeSet(provider=provider, changes=tuple(change for change in changes if change is not None))


def change_of(item: ManagedObject, observed: Observed | None) -> Change:
    """The difference between an object and what it should be."""
    wanted = item.desired()
    before = observed.attributes if observed is not None else {}
    shown = attribute_changes(before, wanted if wanted is not None else {})
    note, link = (observed.note, "") if observed is not None else ("", "")
    action = _action_of(item, wanted, observed, has_differences=bool(shown))
    if observed is not None and observed.manual is not None:
        action, note, link = Action.MANUAL, observed.manual.note, observed.manual.link
    names = [attribute.name for attribute in shown]
    return Change(
        action=action,
        kind=item.kind,
        name=item.name,
        attributes=shown if action in (Action.CREATE, Action.UPDATE, Action.MANUAL) else (),
        note=note,
        link=link,
        statements=_statement_changes(item, before, wanted or {}) if action is not Action.NONE else (),
        calls=item.calls(action, names) if action not in (Action.NONE, Action.MANUAL) else 0,
    )


def attribute_changes(before: Attributes, after: Attributes) -> tuple[AttributeChange, ...]:
    """Each attribute that differs, those that are wanted first; secrets are compared and never shown."""
    names = [name for name in {**after, **before} if _value(after, name) != _value(before, name)]
    return tuple(_attribute_change(name, before, after) for name in names)


def _attribute_change(name: str, before: Attributes, after: Attributes) -> AttributeChange:
    old, new = before.get(name, ""), after.get(name, "")
    secret = None
    if isinstance(old, Secret) or isinstance(new, Secret):
        secret = Secret(f"{_value(before, name)}\0{_value(after, name)}", source=name)
    return AttributeChange(name=name, before=str(old), after=str(new), secret=secret)


def _value(attributes: Attributes, name: str) -> str:
    """What is compared: a secret's text, wherever it came from."""
    value = attributes.get(name, "")
    return value.reveal() if isinstance(value, Secret) else value


def _action_of(
    item: ManagedObject, wanted: Attributes | None, observed: Observed | None, *, has_differences: bool
) -> Action:
    if observed is None:
        return Action.NONE if wanted is None else Action.CREATE
    if wanted is None:
        is_ours = observed.owner is Owner.SLEDGE and isinstance(item, Removable)
        return Action.DELETE if is_ours else Action.NONE
    return Action.UPDATE if has_differences else Action.NONE


def _destruction_of(item: ManagedObject, observed: Observed | None) -> Change | None:
    if observed is None:
        return None
    is_ours = observed.owner is Owner.SLEDGE and isinstance(item, Removable) and not observed.is_kept
    action = Action.DELETE if is_ours else Action.NONE
    return Change(
        action=action,
        kind=item.kind,
        name=item.name,
        note=observed.note,
        statements=_statement_changes(item, observed.attributes, {}) if is_ours else (),
        calls=item.calls(action, ()) if is_ours else 0,
    )


def _is_foreign(observed: Observed, change: Change) -> bool:
    return observed.owner is Owner.OTHERS and change.action is Action.UPDATE


def _refuse_foreign(found: Sequence[tuple[Observed, Change]], provider: str) -> None:
    if not found:
        return
    makers = dict.fromkeys(observed.made_for for observed, _ in found)
    told = [_conflict(maker, [change for observed, change in found if observed.made_for == maker]) for maker in makers]
    addresses = dict.fromkeys(observed.adopted_with or change.address for observed, change in found)
    command = ["sledge", "adopt", "-p", provider, *addresses]
    manager = "this project" if any(makers) else "sledge"
    raise ConflictError(
        "; ".join(told),
        hint=f"let {manager} manage it from now on: {shlex.join(command)}; or take it out of sledge.yaml",
    )


def _conflict(maker: str, changes: Iterable[Change]) -> str:
    named = "; ".join(f"{change.address} ({', '.join(_shown(change.attributes))})" for change in changes)
    whose = f"made for the project {maker}" if maker else "not made by sledge"
    return f"{whose}, and different from what sledge.yaml says: {named}"


def _shown(attributes: Iterable[AttributeChange]) -> list[str]:
    return [f"{item.name}: {item.before or '(none)'} -> {item.after or '(none)'}" for item in attributes]


def _statement_changes(item: ManagedObject, before: Attributes, after: Attributes) -> tuple[StatementChange, ...]:
    if not isinstance(item, GrantsPermissions):
        return ()
    old, new = item.statements(before), item.statements(after)
    gone = [StatementChange(action=Action.DELETE, statement=each) for each in old if each not in new]
    come = [StatementChange(action=Action.CREATE, statement=each) for each in new if each not in old]
    return (*gone, *come)
