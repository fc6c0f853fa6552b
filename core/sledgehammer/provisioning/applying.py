"""Making the changes of a plan, in order; and marking what was there before us as ours."""

import difflib
from collections.abc import Collection, Sequence

from sledgehammer.changes import Action, ChangeSet, OnChange, OnPlan
from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.provisioning.comparing import change_of, plan_destruction, plan_objects
from sledgehammer.provisioning.managed import AlreadyExistsError, ManagedObject, Markable, Owner, Removable


def apply_objects(
    objects: Sequence[ManagedObject], *, provider: str, on_plan: OnPlan, on_change: OnChange
) -> ChangeSet:
    """Make a fresh plan's changes. A creation whose answer was lost is read back, never made twice."""
    changes = plan_objects(objects, provider=provider)
    on_plan(changes)
    for item, change in zip(objects, changes.changes, strict=True):
        match change.action:
            case Action.CREATE:
                _create(item)
            case Action.UPDATE:
                item.update([attribute.name for attribute in change.attributes])
            case Action.DELETE if isinstance(item, Removable):
                item.delete()
            case _:
                continue
        on_change(change)
    return changes


def destroy_objects(
    objects: Sequence[ManagedObject], *, provider: str, on_plan: OnPlan, on_change: OnChange
) -> ChangeSet:
    """Delete what carries our mark, last made first."""
    changes = plan_destruction(objects, provider=provider)
    on_plan(changes)
    by_address = {_address(item): item for item in objects}
    for change in changes.pending:
        item = by_address[change.address]
        if isinstance(item, Removable):
            item.delete()
            on_change(change)
    return changes


def adopt_objects(objects: Sequence[ManagedObject], addresses: Collection[str]) -> None:
    """Put our mark on objects that were there before us. All addresses are checked before the first is marked.

    Raises NotFoundError for an address that sledge.yaml does not name or that does not exist, ConflictError for an
    object that cannot carry a mark.
    """
    by_address = {_address(item): item for item in objects}
    marked = [item for address in addresses if (item := _adoptable(by_address, address)) is not None]
    for item in marked:
        item.mark()


def _adoptable(by_address: dict[str, ManagedObject], address: str) -> Markable | None:
    """The object to be marked; None for one that is ours already."""
    item = by_address.get(address)
    if item is None:
        near = difflib.get_close_matches(address, by_address, n=1)
        guess = f'; did you mean "{near[0]}"?' if near else ""
        raise NotFoundError(
            f'sledge.yaml names no object "{address}"{guess}',
            hint="an address is what plan prints: a kind, a space, a name; in quotes",
        )
    observed = item.observe()
    if observed is None:
        raise NotFoundError(f"{address} does not exist, so there is nothing to adopt", hint="apply will make it")
    if observed.owner is Owner.SLEDGE:
        return None
    if not isinstance(item, Markable):
        raise ConflictError(
            f"{address} cannot carry a mark, so it cannot be adopted", hint="take it out of sledge.yaml, or remove it"
        )
    return item


def _create(item: ManagedObject) -> None:
    try:
        rest = item.create()
    except AlreadyExistsError as error:
        observed = item.observe(anew=True)
        if observed is None:
            raise ConflictError(
                f"{_address(item)} could not be made because it exists, yet it cannot be read", hint="run again"
            ) from error
        rest = [attribute.name for attribute in change_of(item, observed).attributes]
        if rest and observed.owner is Owner.OTHERS:
            raise ConflictError(
                f"{_address(item)} was made by somebody else meanwhile", hint="run sledge plan again"
            ) from error
    if rest:
        item.update(rest)


def _address(item: ManagedObject) -> str:
    return f"{item.kind} {item.name}"
