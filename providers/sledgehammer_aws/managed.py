"""One object of AWS that we bring to a desired state, and how a plan and an apply treat all of them alike."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sledgehammer.changes import Action, AttributeChange, Change, ChangeSet, OnChange, OnPlan, accept_plan
from sledgehammer.errors import ConflictError
from sledgehammer.secret import Secret
from sledgehammer_aws.failures import AlreadyExistsError

Attributes = Mapping[str, str | Secret]
"""What we care about in an object, as a person reads it: name to text. "" is the same as absent."""

OWNER_TAG = "managed-by"
OWNER = "sledgehammer"
PROJECT_TAG = "sledgehammer:project"

TAG = "tag "
"""Begins the names of attributes that are tags."""


class ManagedObject(Protocol):
    """One object with the attributes that we manage; what else it has is left alone."""

    @property
    def kind(self) -> str:
        """The type of object, as in Change."""

    @property
    def name(self) -> str:
        """Its identity in the account."""

    def desired(self) -> Attributes:
        """How it should be."""

    def observe(self) -> Attributes | None:
        """How it is; None when absent. Raises ConflictError when it belongs to somebody else."""

    def create(self) -> Collection[str]:
        """Make it, in a single call with its owner's tags; gives the attributes that still need an update.

        Raises AlreadyExistsError when it is there.
        """

    def update(self, attributes: Collection[str]) -> None:
        """Bring these attributes to what is desired. Safe to repeat."""


def plan_objects(objects: Sequence[ManagedObject]) -> ChangeSet:
    """Compare every object with what is there."""
    return ChangeSet(provider="aws", changes=tuple(change_of(item, item.observe()) for item in objects))


def apply_objects(objects: Sequence[ManagedObject], *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
    """Make a plan's changes in order. A call whose answer was lost is read back, never made twice."""
    changes = plan_objects(objects)
    on_plan(changes)
    for item, change in zip(objects, changes.changes, strict=True):
        match change.action:
            case Action.CREATE:
                _create(item)
            case Action.UPDATE:
                item.update([attribute.name for attribute in change.attributes])
            case _:
                continue
        on_change(change)
    return changes


def change_of(item: ManagedObject, observed: Attributes | None) -> Change:
    """The difference between an object and what it should be."""
    desired = item.desired()
    before = observed or {}
    names = [name for name in {**desired, **before} if desired.get(name, "") != before.get(name, "")]
    shown = tuple(
        AttributeChange(name=name, before=str(before.get(name, "")), after=str(desired.get(name, ""))) for name in names
    )
    action = Action.CREATE if observed is None else Action.UPDATE if shown else Action.NONE
    return Change(action=action, kind=item.kind, name=item.name, attributes=shown)


def check_owner(item: ManagedObject, tags: Mapping[str, str], *, project: str) -> None:
    """Raise ConflictError for an object whose tags do not say that it is this project's; "" means any project's."""
    if tags.get(OWNER_TAG) != OWNER:
        raise ConflictError(
            f"{item.kind} {item.name} exists and was not made by sledge (no tag {OWNER_TAG}={OWNER})",
            hint="choose another name in the aws: section of sledge.yaml, or remove that object",
        )
    other = tags.get(PROJECT_TAG, "")
    if project and other != project:
        raise ConflictError(
            f"{item.kind} {item.name} belongs to the project {other or 'without a name'}, not to {project}",
            hint="choose another name in the aws: section of sledge.yaml",
        )


def owner_tags(project: str, extra: Mapping[str, str]) -> Mapping[str, str]:
    """The tags of every object that belongs to one project."""
    return {OWNER_TAG: OWNER, PROJECT_TAG: project, **extra}


def tag_attributes(tags: Mapping[str, str], *, managed: Collection[str]) -> Attributes:
    """Those tags that we manage, as attributes `tag <key>`."""
    return {f"{TAG}{key}": tags[key] for key in managed if key in tags}


def has_tags(attributes: Collection[str]) -> bool:
    """Whether a tag is among the attributes to update."""
    return any(attribute.startswith(TAG) for attribute in attributes)


def _create(item: ManagedObject) -> None:
    try:
        rest = item.create()
    except AlreadyExistsError as error:
        observed = item.observe()
        if observed is None:
            raise ConflictError(
                f"{item.kind} {item.name} could not be made because it exists, yet it cannot be read", hint="run again"
            ) from error
        rest = [attribute.name for attribute in change_of(item, observed).attributes]
    if rest:
        item.update(rest)
