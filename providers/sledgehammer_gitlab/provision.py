"""Plan, apply, destroy and adopt."""

from collections.abc import Callable, Collection
from dataclasses import replace

from sledgehammer.changes import ChangeSet, OnChange, OnPlan
from sledgehammer.polling import Clock
from sledgehammer.provisioning import (
    ManagedObject,
    adopt_objects,
    apply_objects,
    destroy_objects,
    plan_destruction,
    plan_objects,
)
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.inventory import Desired, Inventory
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.reading import KnownProject, ProjectReader
from sledgehammer_gitlab.settings import Settings

PROVIDER = "gitlab"


class GitLabProvisioner:
    """Brings one project to what is desired. All is read anew for each plan, `read_desired` included."""

    def __init__(
        self,
        api: Api,
        mirror: Mirror,
        settings: Settings,
        *,
        read_desired: Callable[[], Desired],
        clock: Clock,
    ) -> None:
        self._api = api
        self._mirror = mirror
        self._settings = settings
        self._read_desired = read_desired
        self._clock = clock

    def plan(self, known: KnownProject | None = None) -> ChangeSet:
        """Read what is not `known` and compare; changes nothing on GitLab. Only plans make do with what is known."""
        return self._counted(lambda reader: plan_objects(self._wanted(reader), provider=PROVIDER), known)

    def apply(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Make the changes of a fresh plan. No pipeline starts."""
        return apply_objects(self._wanted(self._reader()), provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def plan_destruction(self) -> ChangeSet:
        """What carries our mark."""
        return self._counted(lambda reader: plan_destruction(self._marked(reader), provider=PROVIDER))

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Delete it."""
        return destroy_objects(self._marked(self._reader()), provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        """Put our mark on what others made."""
        adopt_objects(self._wanted(self._reader()), addresses)
        return self.plan()

    def _wanted(self, reader: ProjectReader) -> list[ManagedObject]:
        return self._inventory(reader).wanted(self._read_desired(), self._mirror)

    def _marked(self, reader: ProjectReader) -> list[ManagedObject]:
        return self._inventory(reader).marked(self._mirror)

    def _inventory(self, reader: ProjectReader) -> Inventory:
        return Inventory(api=self._api, reader=reader, settings=self._settings, clock=self._clock)

    def _reader(self, known: KnownProject | None = None) -> ProjectReader:
        return ProjectReader(self._api, self._settings.project, known=known)

    def _counted(self, plan: Callable[[ProjectReader], ChangeSet], known: KnownProject | None = None) -> ChangeSet:
        """With the requests that an apply sends to read the same, for which nothing is known."""
        before, reader = self._api.sent, self._reader(known)
        changes = plan(reader)
        return replace(changes, read_calls=self._api.sent - before + reader.spared_calls)
