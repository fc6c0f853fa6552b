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
        return self._counted(lambda: plan_objects(self._wanted(known), provider=PROVIDER))

    def apply(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Make the changes of a fresh plan. No pipeline starts."""
        return apply_objects(self._wanted(), provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def plan_destruction(self) -> ChangeSet:
        """What carries our mark."""
        return self._counted(lambda: plan_destruction(self._inventory().marked(self._mirror), provider=PROVIDER))

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Delete it."""
        marked = self._inventory().marked(self._mirror)
        return destroy_objects(marked, provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        """Put our mark on what others made."""
        adopt_objects(self._wanted(), addresses)
        return self.plan()

    def _wanted(self, known: KnownProject | None = None) -> list[ManagedObject]:
        return self._inventory(known).wanted(self._read_desired(), self._mirror)

    def _inventory(self, known: KnownProject | None = None) -> Inventory:
        reader = ProjectReader(self._api, self._settings.project, known=known)
        return Inventory(api=self._api, reader=reader, settings=self._settings, clock=self._clock)

    def _counted(self, plan: Callable[[], ChangeSet]) -> ChangeSet:
        before = self._api.sent
        return replace(plan(), read_calls=self._api.sent - before)
