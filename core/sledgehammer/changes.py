"""Provisioning as a diff: what a plan shows and an apply does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.secret import Secret


class Action(Enum):
    """What one change does to one object."""

    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"
    NONE = " "
    MANUAL = "!"  # a step that only a person can take


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One attribute, before and after as a person reads it; secrets appear as `***`, absence as "".

    `secret` has both values where one is a secret, for whoever must tell one change of them from another.
    """

    name: str
    before: str
    after: str
    secret: Secret | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One permission that an object grants, as an IAM policy states it. `condition` is "" where there is none.

    `reason` is what needs it, for the reader; two statements are the same whatever they are there for.
    """

    effect: str
    actions: tuple[str, ...]
    resource: str
    condition: str = ""
    principal: str = ""
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementChange:
    """A permission that is granted from now on (CREATE) or no longer (DELETE)."""

    action: Action
    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object of one provider. `kind` is the object's type ("gitlab_project"), `name` its identity there."""

    action: Action
    kind: str
    name: str
    attributes: tuple[AttributeChange, ...] = ()
    note: str = ""  # for MANUAL: what to do; for others: what the reader should know
    link: str = ""  # for MANUAL: the page where it is done
    statements: tuple[StatementChange, ...] = ()
    calls: int = field(default=0, compare=False)  # requests that the apply of this change sends, as estimated

    @property
    def address(self) -> str:
        """How a person names the object: `kind name`."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """All objects in the order in which an apply visits them, unchanged ones included.

    `read_calls`: requests that reading what is there takes for this project alone; an apply reads once more.
    """

    provider: str
    changes: tuple[Change, ...]
    read_calls: int = field(default=0, compare=False)

    @property
    def pending(self) -> tuple[Change, ...]:
        """What an apply would do."""
        return tuple(change for change in self.changes if _is_pending(change))

    @property
    def manual(self) -> tuple[Change, ...]:
        """What only a person can do."""
        return tuple(change for change in self.changes if change.action is Action.MANUAL)

    @property
    def differing(self) -> tuple[Change, ...]:
        """What is not as it should be: what an apply would do, and differences that only a person can mend."""
        return tuple(change for change in self.changes if _is_pending(change) or _is_differing_step(change))

    @property
    def calls(self) -> int:
        """Requests that an apply sends, reading included; 0 when it has nothing to do."""
        return self.read_calls + sum(change.calls for change in self.pending) if self.pending else 0

    def count(self, action: Action) -> int:
        """How many objects that action is for."""
        return sum(change.action is action for change in self.changes)


def _is_pending(change: Change) -> bool:
    return change.action not in (Action.NONE, Action.MANUAL)


def _is_differing_step(change: Change) -> bool:
    """A step for a person about an object that differs, unlike one that only remains to be taken."""
    return change.action is Action.MANUAL and bool(change.attributes)


OnChange = Callable[[Change], None]
"""Called by an apply after each change that it has made."""

OnPlan = Callable[[ChangeSet], None]
"""Called by an apply with its fresh plan before the first change; what it raises ends the apply there."""


def accept_plan(changes: ChangeSet) -> None:
    """An OnPlan that takes any plan."""
