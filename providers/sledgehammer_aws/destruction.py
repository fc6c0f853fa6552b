"""What a destruction spares, and what it says of what is lost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sledgehammer.changes import Action, ChangeSet
from sledgehammer.provisioning import Attributes, ManagedObject, Observed
from sledgehammer_aws.bucket import Bucket
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """An object that is kept, with the reason: it cannot be deleted through this."""

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

    def create(self) -> Collection[str]:
        return ()

    def update(self, attributes: Collection[str]) -> None:
        return

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An object that is deleted, and what goes with it."""

    item: ImageRepository | LogGroup
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

    def create(self) -> Collection[str]:
        return ()

    def update(self, attributes: Collection[str]) -> None:
        return

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return self.item.calls(action, attributes)

    def delete(self) -> None:
        self.item.delete()


def for_destruction(objects: Sequence[ManagedObject], site: Site) -> tuple[ManagedObject, ...]:
    """The same objects; those with content that nobody can make again are spared unless the settings say so."""
    return tuple(_judged(item, site) for item in objects)


def with_notes(changes: ChangeSet, objects: Sequence[ManagedObject]) -> ChangeSet:
    """The plan of a destruction with what it spares and what is lost by it."""
    notes = {f"{item.kind} {item.name}": item.note for item in objects if isinstance(item, Spared | Lost)}
    told = (replace(change, note=notes.get(change.address, change.note)) for change in changes.changes)
    return replace(changes, changes=tuple(told))


def _judged(item: ManagedObject, site: Site) -> ManagedObject:
    match item:
        case ImageRepository():
            content = item.content()
            if not content:
                return item
            if site.settings.force_destroy:
                return Lost(item=item, note=f"lost with it: {content}")
            return Spared(item=item, note=f"kept, for it holds {content}; to delete them too: force_destroy: true")
        case Bucket():
            content = item.content(beside=site.names.own_prefixes)
            return Spared(item=item, note=f"kept, for it holds {content}") if content else item
        case LogGroup():
            return Lost(item=item, note="the logs of all builds are lost")
        case _:
            return item
