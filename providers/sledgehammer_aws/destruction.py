"""What a destruction spares, and what it says of what is lost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sledgehammer.changes import Action, Change, ChangeSet, Statement
from sledgehammer.provisioning import Attributes, GrantsPermissions, ManagedObject, Observed, Removable
from sledgehammer_aws.bucket import Bucket
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.secret_object import ManagedSecret
from sledgehammer_aws.site import Site


class RemovableObject(ManagedObject, Removable, Protocol):
    """An object that can be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """An object that shall not be there; `note` is what is lost with it."""

    item: RemovableObject
    note: str = ""

    @property
    def kind(self) -> str:
        return self.item.kind

    @property
    def name(self) -> str:
        return self.item.name

    def desired(self) -> Attributes | None:
        return None

    def observe(self, *, anew: bool = False) -> Observed | None:
        return self.item.observe(anew=anew)

    def statements(self, attributes: Attributes) -> tuple[Statement, ...]:
        return self.item.statements(attributes) if isinstance(self.item, GrantsPermissions) else ()

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return self.item.calls(action, attributes)

    def create(self) -> Collection[str]:
        """Never called."""
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called."""

    def delete(self) -> None:
        self.item.delete()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """An object that is not wanted and yet kept, for the reason in `note`: it cannot be deleted through this."""

    item: ManagedObject
    note: str

    @property
    def kind(self) -> str:
        return self.item.kind

    @property
    def name(self) -> str:
        return self.item.name

    def desired(self) -> Attributes | None:
        return None

    def observe(self, *, anew: bool = False) -> Observed | None:
        return self.item.observe(anew=anew)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 0

    def create(self) -> Collection[str]:
        """Never called."""
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called."""


def for_destruction(objects: Sequence[ManagedObject], site: Site) -> tuple[ManagedObject, ...]:
    """The same objects; those with content that nobody can make again are spared unless the settings say so."""
    return tuple(_judged(item, site) for item in objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What is spared and what is lost, by address."""

    by_address: Mapping[str, str]

    def on(self, change: Change) -> Change:
        """A change with what is to be said of it."""
        return replace(change, note=self.by_address.get(change.address) or change.note)

    def on_all(self, changes: ChangeSet) -> ChangeSet:
        """A plan with what is to be said of it."""
        return replace(changes, changes=tuple(self.on(change) for change in changes.changes))


def notes_of(objects: Sequence[ManagedObject]) -> Notes:
    """Of these objects, as a plan over them shows them."""
    spoken = (item for item in objects if isinstance(item, Spared | Unwanted))
    return Notes(by_address={f"{item.kind} {item.name}": item.note for item in spoken})


def _judged(item: ManagedObject, site: Site) -> ManagedObject:
    match item.item if isinstance(item, Unwanted) else item:
        case ImageRepository() as repository:
            content = repository.content()
            if not content:
                return item
            if site.settings.force_destroy:
                return Unwanted(item=repository, note=f"lost with it: {content}")
            reason = f"kept, for it holds {content}; to delete them too: force_destroy: true"
            return Spared(item=repository, note=reason)
        case Bucket() as bucket:
            content = bucket.content(beside=site.names.own_prefixes)
            return Spared(item=bucket, note=f"kept, for it holds {content}") if content else item
        case LogGroup() as group:
            return Unwanted(item=group, note="the logs of all builds are lost")
        case ManagedSecret() as secret:
            return Unwanted(item=secret, note="kept by Secrets Manager for 30 days, in which an apply takes it back")
        case _:
            return item
