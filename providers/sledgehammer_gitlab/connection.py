"""A live GitLab for one project and checkout."""

from collections.abc import Collection, Mapping

from sledgehammer.changes import ChangeSet, OnChange, OnPlan, accept_plan
from sledgehammer.checkout import Checkout
from sledgehammer.outcome import Outcome, Run
from sledgehammer.polling import Clock, SystemClock
from sledgehammer.ports import CiFile, Environment, OnLog
from sledgehammer.process import ProcessRunner
from sledgehammer.project import Project
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.repositories import ImageRepositories
from sledgehammer.retry import RetryPolicy
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.bulk_reading import Target
from sledgehammer_gitlab.credentials import find_access
from sledgehammer_gitlab.destination import ref_slug
from sledgehammer_gitlab.git_remote import GitRemote
from sledgehammer_gitlab.inventory import Desired
from sledgehammer_gitlab.local_git import LocalGit
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.objects.project_import import import_password
from sledgehammer_gitlab.pipelines import GitLabPipelines
from sledgehammer_gitlab.provision import GitLabProvisioner
from sledgehammer_gitlab.reading import KnownProject
from sledgehammer_gitlab.registry import GitLabRegistry
from sledgehammer_gitlab.settings import Settings, Via
from sledgehammer_gitlab.uncommitted import warn_of_uncommitted_files
from sledgehammer_gitlab.variables import hidden_values, resolve_schedule_variables, resolve_variables

POLICY = RetryPolicy()


class GitLabConnection:
    """Provisioner, pipelines and registry behind the ports."""

    def __init__(
        self,
        provisioner: GitLabProvisioner,
        pipelines: GitLabPipelines,
        images: GitLabRegistry,
        checkout: Checkout,
        *,
        processes: ProcessRunner,
        target: Target,
    ) -> None:
        self._provisioner = provisioner
        self._pipelines = pipelines
        self._images = images
        self._checkout = checkout
        self._processes = processes
        self.target = target

    def plan(self) -> ChangeSet:
        return self._provisioner.plan()

    def plan_knowing(self, known: Mapping[str, KnownProject]) -> ChangeSet:
        """The same without asking again for what was just read of this project along with others, by
        `listing.list_projects` and `bulk_reading.BulkReader`: `bulk_planning.plan_in_bulk` does all of it."""
        return self._provisioner.plan(known.get(self.target.path))

    def apply(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        warn_of_uncommitted_files(self._checkout, processes=self._processes)
        return self._provisioner.apply(on_change=on_change, on_plan=on_plan)

    def plan_destruction(self) -> ChangeSet:
        return self._provisioner.plan_destruction()

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        return self._provisioner.destroy(on_change=on_change, on_plan=on_plan)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        return self._provisioner.adopt(addresses)

    def trigger(self, *, rebuild: bool = False) -> Run:
        warn_of_uncommitted_files(self._checkout, processes=self._processes)
        return self._pipelines.trigger(rebuild=rebuild)

    def follow(self, run: Run, *, on_log: OnLog) -> Outcome:
        return self._pipelines.follow(run, on_log=on_log)

    def cancel(self, run: Run) -> None:
        self._pipelines.cancel(run)

    def registry(self) -> RegistryAccess:
        return self._images.access()

    def image_repositories(self) -> Mapping[str, ImageRepositories]:
        return self._images.repositories()

    def commit_tag(self) -> str:
        return self._pipelines.tip()

    def branch_slug(self) -> str:
        return ref_slug(self.target.branch)

    def remove_manifest(self, reference: Reference) -> None:
        self._images.remove(reference)


def open_connection(
    project: Project,
    settings: Settings,
    ci_file: CiFile,
    checkout: Checkout,
    environment: Environment,
    *,
    clock: Clock | None = None,
) -> GitLabConnection:
    """Find the token and build the client; sends nothing yet. Raises CredentialsError without a token."""
    time = clock or SystemClock()
    access = find_access(settings.url, environment.variables)
    api = Api(access, clock=time, policy=POLICY)
    branch, path = checkout.branch or project.default_branch, settings.project
    mirror = Mirror(
        checkout,
        ci_text=ci_file.text,
        path=path,
        branch=branch,
        local=LocalGit(checkout, processes=environment.processes),
        remote=GitRemote(
            access, path, folder=checkout.root, processes=environment.processes, clock=time, policy=POLICY
        ),
        brings_ci_file=settings.ci_file.via is Via.COMMIT,
    )
    return GitLabConnection(
        GitLabProvisioner(
            api,
            mirror,
            settings,
            read_desired=lambda: _desired(settings, environment.variables, branch=branch, commit=checkout.commit),
            clock=time,
        ),
        GitLabPipelines(
            api,
            mirror,
            path=path,
            branch=branch,
            commit=checkout.commit,
            wait_s=settings.wait_minutes * 60,
            clock=time,
        ),
        GitLabRegistry(api, access, project=project, path=path, variables=environment.variables, clock=time),
        checkout,
        processes=environment.processes,
        target=Target(settings=settings, branch=branch),
    )


def _desired(settings: Settings, variables: Mapping[str, str], *, branch: str, commit: str) -> Desired:
    """Raises ConfigurationError for a value that this environment lacks."""
    return Desired(
        variables=resolve_variables(settings, variables),
        hidden=hidden_values(variables),
        branch=branch,
        commit=commit,
        import_password=import_password(settings.import_from, variables),
        schedule_variables=resolve_schedule_variables(settings, variables),
    )
