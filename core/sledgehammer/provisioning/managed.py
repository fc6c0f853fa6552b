"""One object of a cloud that we bring to a desired state: what a provider implements for each of its kinds.

Every object is a ManagedObject. What more it can do, it says by the small protocols below it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from sledgehammer.changes import Action, Statement
from sledgehammer.errors import ConflictError
from sledgehammer.secret import Secret

Attributes = Mapping[str, str | Secret]
"""What we care about in an object, as a person reads it: name to text. "" is the same as absent."""


class AlreadyExistsError(ConflictError):
    """Something of that name exists: ours after a lost answer, or somebody else's."""


class Owner(Enum):
    """Whose an object is."""

    SLEDGE = "sledge"  # it carries our mark, or is a part of something that does
    OTHERS = "others"  # changed and deleted only once it has been adopted


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualStep:
    """What only a person can do about an object, and the page where it is done."""

    note: str
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """An object as it is. With `manual` the change that it needs is a person's.

    `note` is for the reader of the plan, whatever comes of the comparison, and of a destruction's. What `is_kept`
    outlives a destruction though it is ours, because it holds what others made. `adopted_with` is the address to adopt
    where the object has no place for a mark of its own. `made_for` is the project that it is OTHERS' for, where sledge
    made it.
    """

    attributes: Attributes
    owner: Owner = Owner.SLEDGE
    manual: ManualStep | None = None
    note: str = ""
    is_kept: bool = False
    adopted_with: str = ""
    made_for: str = ""


class ManagedObject(Protocol):
    """One object with the attributes that we manage; what else it has is left alone."""

    @property
    def kind(self) -> str:
        """The type of object, as in Change."""

    @property
    def name(self) -> str:
        """Its identity in the cloud."""

    def desired(self) -> Attributes | None:
        """How it should be; None when it should not be there: it is then deleted if it is ours."""

    def observe(self, *, anew: bool = False) -> Observed | None:
        """How it is; None when absent. May be answered from a bulk read, but for `anew`.

        Raises ConflictError for what no adoption can settle, such as an object of another project.
        """

    def create(self) -> Collection[str]:
        """Make it with our mark, in a single call where the cloud can; gives the attributes that still need an
        update.

        Safe to repeat: raises AlreadyExistsError when it is there, or finds it again by itself.
        """

    def update(self, attributes: Collection[str]) -> None:
        """Bring these attributes to what is desired. Safe to repeat."""

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        """About how many requests that action takes, with these attributes to change."""


@runtime_checkable
class Removable(Protocol):
    """An object that can be deleted by itself. Others go with what they are a part of, or stay."""

    def delete(self) -> None:
        """Remove it; one that has gone is no error. Only ever called for what carries our mark."""


@runtime_checkable
class Markable(Protocol):
    """An object that can be adopted: our mark can be put on it after it was made."""

    def mark(self) -> None:
        """Put our mark on it and change nothing else. Safe to repeat."""


@runtime_checkable
class GrantsPermissions(Protocol):
    """An object whose attributes say who may do what: a plan shows them as a table of their own."""

    def statements(self, attributes: Attributes) -> tuple[Statement, ...]:
        """The permissions that those attributes come to."""
