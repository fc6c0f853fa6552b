"""The objects of a project that are made where its settings ask for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sledgehammer.checkout import Checkout
from sledgehammer.errors import ConfigurationError
from sledgehammer.provisioning import ManagedObject
from sledgehammer.provisioning.fingerprint import fingerprint_key
from sledgehammer.secret import Secret
from sledgehammer_aws.account import role_name, rule_of
from sledgehammer_aws.destination import branch_slug
from sledgehammer_aws.identity_provider import IdentityProvider
from sledgehammer_aws.job_permissions import job_permissions, job_trust
from sledgehammer_aws.pull_through import PullThroughRule
from sledgehammer_aws.registry_scanning import RegistryScanning
from sledgehammer_aws.role import Role, RolePolicy
from sledgehammer_aws.schedule_rule import ScheduleRule, schedule_permissions, schedule_trust
from sledgehammer_aws.secret_object import ManagedSecret
from sledgehammer_aws.setting_sections import GitLabJobs, Schedule
from sledgehammer_aws.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class OptedIn:
    """`variables` are those of this machine's environment, which values of secrets come from."""

    site: Site
    checkout: Checkout
    variables: Mapping[str, str] = field(repr=False)
    needs_values: bool = True

    def before_builds(self) -> Iterator[ManagedObject]:
        """What builds use."""
        settings = self.site.settings
        if settings.scan_on_push:
            yield RegistryScanning(site=self.site)
        if settings.docker_hub is not None:
            yield PullThroughRule(site=self.site, settings=settings.docker_hub)
        yield from self._secrets()

    def after_project(self) -> Iterator[ManagedObject]:
        """What starts builds, or does without CodeBuild."""
        settings = self.site.settings
        if settings.gitlab_jobs is not None:
            yield from self._gitlab_jobs(settings.gitlab_jobs)
        if settings.schedule is not None:
            yield from self._schedule(settings.schedule)

    def _secrets(self) -> Iterator[ManagedObject]:
        key = fingerprint_key(self.variables)
        for name, source in sorted(self.site.settings.secrets.items()):
            text = self.variables.get(source.from_env, "")
            if not text and self.needs_values:
                raise ConfigurationError(
                    f"the value of secret {name} is to come from the environment variable {source.from_env}, which is "
                    "not set",
                    hint="set it for this command",
                )
            yield ManagedSecret(
                site=self.site,
                name=f"{self.site.names.project}/{name}",
                value=Secret(text, source=source.from_env),
                key=key,
            )

    def _gitlab_jobs(self, settings: GitLabJobs) -> Iterator[ManagedObject]:
        names = self.site.names
        provider = IdentityProvider(site=self.site, settings=settings)
        role = Role(
            site=self.site,
            name=role_name(names.jobs_role),
            trust=job_trust(settings, provider=provider.name, provider_arn=provider.arn),
            description=f"Jobs of {settings.project} on {provider.name}",
        )
        yield provider
        yield role
        yield RolePolicy(site=self.site, role=role, permissions=lambda: job_permissions(names, settings))

    def _schedule(self, settings: Schedule) -> Iterator[ManagedObject]:
        names, rule = self.site.names, rule_of(self.site.names.project)
        role = Role(
            site=self.site,
            name=role_name(names.schedule_role),
            trust=schedule_trust(names, rule),
            description=f"Scheduled builds of {names.project}",
        )
        yield role
        yield RolePolicy(site=self.site, role=role, permissions=lambda: schedule_permissions(names))
        yield ScheduleRule(
            site=self.site,
            settings=settings,
            name=rule,
            role_arn=f"arn:{names.account.partition}:iam::{names.account.id}:role/{role.name}",
            commit=self.checkout.commit,
            branch=branch_slug(self.checkout.branch),
        )
