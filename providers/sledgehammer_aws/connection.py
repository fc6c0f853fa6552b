"""AWS, opened for one project and checkout. Imports boto3: only `Aws.connect` imports this."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sledgehammer.asked_once import asked_once
from sledgehammer.changes import ChangeSet, OnChange, OnPlan, accept_plan
from sledgehammer.checkout import Checkout
from sledgehammer.outcome import Outcome, Run
from sledgehammer.polling import Clock, SystemClock
from sledgehammer.ports import CiFile, Environment, OnLog
from sledgehammer.process import ProcessRunner
from sledgehammer.project import Project
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.repositories import ImageRepositories, concrete_repositories
from sledgehammer_aws.account import Names, names_of, read_account
from sledgehammer_aws.bulk_reader import BulkReader
from sledgehammer_aws.client import Calls, Clients, open_clients
from sledgehammer_aws.destination import REGISTRY_VARIABLE, branch_slug, destination_of
from sledgehammer_aws.provisioner import AwsProvisioner
from sledgehammer_aws.registry import EcrRegistry, open_registry
from sledgehammer_aws.runs import AwsRuns
from sledgehammer_aws.settings import Settings
from sledgehammer_aws.single_reader import SingleReader
from sledgehammer_aws.site import Site


def open_connection(
    project: Project, settings: Settings, ci_file: CiFile, checkout: Checkout, environment: Environment
) -> "AwsConnection":
    """Find credentials and region; the first request is sent by whoever uses the connection."""
    return AwsConnection(
        project=project,
        settings=settings,
        buildspec=ci_file.text,
        checkout=checkout,
        processes=environment.processes,
        variables=environment.variables,
        clients=open_clients(environment.variables, region=settings.region),
        clock=SystemClock(),
    )


@dataclass(frozen=True, kw_only=True)
class AwsConnection:
    """Provisions and runs, and owns a registry. Which account it is in is asked once, when first needed."""

    project: Project
    settings: Settings
    buildspec: str
    checkout: Checkout
    processes: ProcessRunner
    clients: Clients
    clock: Clock
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)  # this machine's environment
    reader: BulkReader | None = None  # what connections of many projects share; none: each object by itself

    def plan(self) -> ChangeSet:
        return self._provisioner.plan()

    def apply(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        return self._provisioner.apply(on_change=on_change, on_plan=on_plan)

    def plan_destruction(self) -> ChangeSet:
        return self._provisioner.plan_destruction()

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        return self._provisioner.destroy(on_change=on_change, on_plan=on_plan)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        return self._provisioner.adopt(addresses)

    def trigger(self, *, rebuild: bool = False) -> Run:
        return self._runs.trigger(rebuild=rebuild)

    def follow(self, run: Run, *, on_log: OnLog) -> Outcome:
        return self._runs.follow(run, on_log=on_log)

    def cancel(self, run: Run) -> None:
        self._runs.cancel(run)

    def registry(self) -> RegistryAccess:
        return self._images.access

    def image_repositories(self) -> Mapping[str, ImageRepositories]:
        values = {REGISTRY_VARIABLE: self._images.access.host}
        return concrete_repositories(destination_of(self.project, self.settings), values)

    def commit_tag(self) -> str:
        self._runs.check_source()
        return self.checkout.commit

    def branch_slug(self) -> str:
        return branch_slug(self.checkout.branch)

    def remove_manifest(self, reference: Reference) -> None:
        self._images.remove(reference)

    @asked_once
    def _images(self) -> EcrRegistry:
        return open_registry(self.clients, self._calls)

    @property
    def _calls(self) -> Calls:
        return Calls(clock=self.clock)

    @asked_once
    def _names(self) -> Names:
        account = self.reader.account if self.reader is not None else read_account(self.clients, self._calls)
        return names_of(self.project, self.settings, account)

    @property
    def site(self) -> Site:
        """Where its objects are; what is asked through it is counted anew."""
        calls, names = self._calls, self._names
        return Site(
            clients=self.clients,
            calls=calls,
            names=names,
            settings=self.settings,
            reader=self.reader or SingleReader(clients=self.clients, calls=calls, account=names.account),
        )

    @property
    def _provisioner(self) -> AwsProvisioner:
        return AwsProvisioner(
            site=self.site,
            buildspec=self.buildspec,
            strategy=self.project.cache.strategy,
            checkout=self.checkout,
            processes=self.processes,
            variables=self.variables,
        )

    @property
    def _runs(self) -> AwsRuns:
        return AwsRuns(
            clients=self.clients,
            calls=self._calls,
            clock=self.clock,
            names=self._names,
            settings=self.settings,
            checkout=self.checkout,
        )
