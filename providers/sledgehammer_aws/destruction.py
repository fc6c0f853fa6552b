"""What a destruction spares, and what it says of what is lost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sledgehammer.changes import Action, Statement
from sledgehammer.provisioning import Attributes, GrantsPermissions, ManagedObject, Observed, Removable
from sledgehammer_aws.bucket import Bucket
from sledgehammer_aws.left_source import LeftSource
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
        return _noted(self.item.observe(anew=anew), self.note)

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
        return _noted(self.item.observe(anew=anew), self.note)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 0

    def create(self) -> Collection[str]:
        """Never called."""
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called."""


def for_destruction(objects: Sequence[ManagedObject], site: Site) -> tuple[ManagedObject, ...]:
    """The same objects; those with content that nobody can make again are spared unless the settings say so."""
    found = [one.item for one in objects if isinstance(one, Unwanted) and isinstance(one.item, LeftSource)]
    going = [prefix for one in found if one.bucket == site.names.bucket for prefix in one.prefixes]
    return tuple(_judged(item, site, going=(*site.names.own_prefixes, *going)) for item in objects)


def _noted(observed: Observed | None, note: str) -> Observed | None:
    return replace(observed, note=note) if observed is not None and note else observed


def _judged(item: ManagedObject, site: Site, *, going: Collection[str]) -> ManagedObject:
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
            content = bucket.content(beside=going)
            return Spared(item=bucket, note=f"kept, for it holds {content}") if content else item
        case LogGroup() as group:
            return Unwanted(item=group, note="the logs of all builds are lost")
        case ManagedSecret() as secret:
            return Unwanted(item=secret, note="kept by Secrets Manager for 30 days, in which an apply takes it back")
        case _:
            return item
