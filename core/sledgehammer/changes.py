"""Provisioning as a diff: what a plan shows and an apply does."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What one change does to one object."""

    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"
    NONE = " "
    MANUAL = "!"  # a step that only a person can take


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One attribute, before and after as a person reads it; secrets appear as `***`, absence as ""."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object of one provider. `kind` is the object's type ("gitlab_project"), `name` its identity there."""

    action: Action
    kind: str
    name: str
    attributes: tuple[AttributeChange, ...] = ()
    note: str = ""  # for MANUAL: what to do and where

    @property
    def address(self) -> str:
        """How a person names the object: `kind name`."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """All objects in the order in which an apply visits them, unchanged ones included."""

    provider: str
    changes: tuple[Change, ...]

    @property
    def pending(self) -> tuple[Change, ...]:
        """What an apply would do."""
        return tuple(change for change in self.changes if change.action not in (Action.NONE, Action.MANUAL))


OnChange = Callable[[Change], None]
"""Called by an apply after each change that it has made."""
