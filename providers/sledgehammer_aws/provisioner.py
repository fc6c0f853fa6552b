"""Everything that one project needs on AWS, in the order in which it is made."""

from dataclasses import dataclass

from sledgehammer.changes import ChangeSet, OnChange, OnPlan, accept_plan
from sledgehammer.checkout import Checkout
from sledgehammer.process import ProcessRunner
from sledgehammer_aws.account import Names
from sledgehammer_aws.bucket import Bucket
from sledgehammer_aws.cache_expiry import CacheExpiry
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.codebuild_project import CodeBuildProject
from sledgehammer_aws.kept_cache import has_file_cache
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.managed import ManagedObject, apply_objects, plan_objects
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.role import Role, RolePolicy
from sledgehammer_aws.settings import Settings
from sledgehammer_aws.source_archive import SourceArchive


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsProvisioner:
    """Plans and applies; whatever another apply left half done is finished."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    buildspec: str
    strategy: str  # of the layer cache
    checkout: Checkout
    processes: ProcessRunner

    def plan(self) -> ChangeSet:
        return plan_objects(self._objects())

    def apply(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        return apply_objects(self._objects(), on_change=on_change, on_plan=on_plan)

    def _objects(self) -> tuple[ManagedObject, ...]:
        """The source comes before the project that points to it, the role's policy before whoever uses the role."""
        clients, calls, names, settings = self.clients, self.calls, self.names, self.settings
        strategy = self.strategy
        return (
            Bucket(clients=clients, calls=calls, names=names),
            *([CacheExpiry(clients=clients, calls=calls, names=names)] if has_file_cache(strategy) else []),
            *self._repositories(),
            LogGroup(clients=clients, calls=calls, names=names, settings=settings),
            Role(clients=clients, calls=calls, names=names, settings=settings),
            RolePolicy(clients=clients, calls=calls, names=names, settings=settings, strategy=strategy),
            SourceArchive(clients=clients, calls=calls, names=names, checkout=self.checkout, processes=self.processes),
            CodeBuildProject(
                clients=clients,
                calls=calls,
                names=names,
                settings=settings,
                buildspec=self.buildspec,
                strategy=strategy,
            ),
        )

    def _repositories(self) -> tuple[ManagedObject, ...]:
        return tuple(
            ImageRepository(
                clients=self.clients,
                calls=self.calls,
                names=self.names,
                settings=self.settings,
                name=name,
                is_cache=is_cache,
            )
            for pair in self.names.repositories
            for name, is_cache in ((pair.image, False), (pair.cache, True))
        )
