"""Everything that one project needs on AWS, in the order in which it is made."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sledgehammer.changes import ChangeSet, OnChange, OnPlan
from sledgehammer.checkout import Checkout
from sledgehammer.process import ProcessRunner
from sledgehammer.provisioning import (
    ManagedObject,
    adopt_objects,
    apply_objects,
    destroy_objects,
    plan_destruction,
    plan_objects,
)
from sledgehammer_aws.bucket import Bucket
from sledgehammer_aws.build_permissions import build_permissions, build_trust
from sledgehammer_aws.cache_expiry import CacheExpiry
from sledgehammer_aws.codebuild_project import CodeBuildProject
from sledgehammer_aws.destruction import for_destruction
from sledgehammer_aws.git_connection import GitConnection
from sledgehammer_aws.kept_cache import has_file_cache
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.opted_in import OptedIn
from sledgehammer_aws.orphans import orphans
from sledgehammer_aws.policy import Permission
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.role import Role, RolePolicy
from sledgehammer_aws.site import Site
from sledgehammer_aws.source_archive import SourceArchive
from sledgehammer_aws.webhook import ProjectWebhook

PROVIDER = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsProvisioner:
    """Plans and applies; whatever another apply left half done is finished."""

    site: Site
    buildspec: str
    strategy: str  # of the layer cache
    checkout: Checkout
    processes: ProcessRunner
    variables: Mapping[str, str] = field(repr=False)  # of this machine's environment

    def plan(self) -> ChangeSet:
        return self._counted(plan_objects(self._objects(), provider=PROVIDER))

    def apply(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        return apply_objects(
            self._objects(),
            provider=PROVIDER,
            on_plan=lambda changes: on_plan(self._counted(changes)),
            on_change=on_change,
        )

    def plan_destruction(self) -> ChangeSet:
        return plan_destruction(for_destruction(self._all(), self.site), provider=PROVIDER)

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        objects = for_destruction(self._all(), self.site)
        return destroy_objects(objects, provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        adopt_objects(self._objects(), addresses)
        return self.plan()

    def _objects(self) -> tuple[ManagedObject, ...]:
        """What is wanted, and after it what is not wanted any more and can go without a loss."""
        wanted = self._wanted()
        return (*wanted, *for_destruction(orphans(self.site, wanted), self.site))

    def _all(self) -> tuple[ManagedObject, ...]:
        wanted = self._wanted(needs_values=False)
        return (*wanted, *orphans(self.site, wanted))

    def _wanted(self, *, needs_values: bool = True) -> tuple[ManagedObject, ...]:
        """The source comes before the project that points to it, the role's policy before whoever uses the role. For a
        destruction, which needs no values, there may still be the archive of before the source was on GitLab."""
        site, names = self.site, self.site.names
        role = Role(
            site=site,
            name=names.role,
            trust=build_trust(names),
            description=f"Builds of {names.project} on CodeBuild",
        )
        git = site.settings.source
        connection = GitConnection(site=site, source=git) if git is not None else None
        has_archive = connection is None or not needs_values
        opted_in = OptedIn(site=site, checkout=self.checkout, variables=self.variables, needs_values=needs_values)
        return (
            *self._stored(has_archive=has_archive),
            *self._repositories(),
            *opted_in.before_builds(),
            LogGroup(site=site, name=names.log_group),
            *([connection] if connection is not None else []),
            role,
            RolePolicy(site=site, role=role, permissions=lambda: self._permissions(connection)),
            *([self._archive] if has_archive else []),
            CodeBuildProject(
                site=site,
                name=names.project,
                buildspec=self.buildspec,
                strategy=self.strategy,
                connection=connection,
            ),
            *(self._webhooks(connection, is_wanted=needs_values) if connection is not None else []),
            *opted_in.after_project(),
        )

    @property
    def _archive(self) -> SourceArchive:
        return SourceArchive(site=self.site, checkout=self.checkout, processes=self.processes)

    def _stored(self, *, has_archive: bool) -> tuple[ManagedObject, ...]:
        """The bucket, where anything is kept in it."""
        has_cache = has_file_cache(self.strategy)
        if not has_archive and not has_cache:
            return ()
        return (Bucket(site=self.site), *([CacheExpiry(site=self.site)] if has_cache else []))

    def _permissions(self, connection: GitConnection | None) -> Sequence[Permission]:
        return build_permissions(
            self.site.names,
            self.site.settings,
            buildspec=self.buildspec,
            strategy=self.strategy,
            connection_arn=connection.arn() if connection is not None else "",
        )

    def _webhooks(self, connection: GitConnection, *, is_wanted: bool) -> tuple[ManagedObject, ...]:
        """One that is wanted, or one that is there and is not wanted any more."""
        settings = connection.source.webhook if is_wanted else None
        webhook = ProjectWebhook(site=self.site, connection=connection, settings=settings)
        return (webhook,) if webhook.settings is not None or webhook.observe() is not None else ()

    def _repositories(self) -> tuple[ManagedObject, ...]:
        return tuple(
            ImageRepository(site=self.site, name=name, is_cache=is_cache)
            for pair in self.site.names.repositories
            for name, is_cache in ((pair.image, False), (pair.cache, True))
        )

    def _counted(self, changes: ChangeSet) -> ChangeSet:
        return replace(changes, read_calls=self.site.calls.tally.count)
