"""What a provider offers: one small Protocol per capability, found through `sledgehammer.providers`.

A provider object (the entry point's value) renders without any SDK or network; `connect` builds the SDK client
and gives what talks to the cloud.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from sledgehammer.changes import ChangeSet, OnChange, OnPlan, accept_plan
from sledgehammer.checkout import Checkout
from sledgehammer.destination import Destination
from sledgehammer.errors import SledgehammerError
from sledgehammer.outcome import Outcome, Run
from sledgehammer.plan import BuildPlan
from sledgehammer.process import ProcessRunner
from sledgehammer.project import Project
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.repositories import ImageRepositories

OnLog = Callable[[str], None]
"""Receives the log of a running build line by line, without line ends."""


PlanOrError = ChangeSet | SledgehammerError
"""What a plan came to, where one that fails is not to end others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CiFile:
    """Rendered text and where it belongs: a path in the repository, or a field of the provider's project."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a connection may use of this process: its environment variables, which never print, and the process
    seam."""

    variables: Mapping[str, str] = field(repr=False)
    processes: ProcessRunner


class Provisioner(Protocol):
    """Brings the provider's objects to what the project says. Both calls are safe to repeat."""

    def plan(self) -> ChangeSet:
        """Read what is there and compare; changes nothing."""

    def apply(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        """Make the changes of a fresh plan, in order, and give that plan. Run again it finds nothing to do.

        `on_plan` is given the plan before the first change; what it raises ends the apply with nothing changed.
        """


@runtime_checkable
class ObjectOwner(Protocol):
    """Marks what it makes, and so can tell it from what others made. A connection may do so beside what every one
    does; `sledgehammer.provisioning` has the treatment of objects that ours share."""

    def plan_destruction(self) -> ChangeSet:
        """What `destroy` would delete: all that carries our mark, whether sledge.yaml still names it or not."""

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan = accept_plan) -> ChangeSet:
        """Delete what carries our mark and nothing else. Run again it finds nothing to do."""

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        """Mark objects that others made as ours, by their addresses in a plan; gives the plan that then holds.

        Raises NotFoundError for an address that names nothing.
        """


class BuildRunner(Protocol):
    """Triggers and follows builds."""

    def trigger(self, *, rebuild: bool = False) -> Run:
        """Start one build of the checkout's commit; `rebuild` sets SLEDGE_NO_SKIP in the job, which then builds
        whatever the registry holds.

        Raises ConflictError when the provider does not hold that commit yet (apply first).
        """

    def follow(self, run: Run, *, on_log: OnLog) -> Outcome:
        """Stream the log until the run has ended. Raises TimedOutError at the settings' deadline."""

    def cancel(self, run: Run) -> None:
        """Stop a run; one that has ended is left as it is."""


@runtime_checkable
class RegistryOwner(Protocol):
    """The registry that a connection's builds push to, as it is entered from this machine. A connection may have it
    beside what every one has."""

    def registry(self) -> RegistryAccess:
        """Host and credentials. Raises CredentialsError, NotFoundError before the first apply, or ConfigurationError
        where there is no registry."""

    def image_repositories(self) -> Mapping[str, ImageRepositories]:
        """By image name, what the plan's texts come to in a job. Raises as `registry` does."""

    def commit_tag(self) -> str:
        """The tag that a job gives images of the checkout's commit. Raises ConflictError where `trigger` would."""

    def branch_slug(self) -> str:
        """The branch's name in the tags of caches."""

    def remove_manifest(self, reference: Reference) -> None:
        """Remove one manifest by its digest; one that is not there is no error. ECR does not do so by the protocol
        that all registries share."""


class Connection(Provisioner, BuildRunner, Protocol):
    """A live provider for one project and checkout."""


class Provider(Protocol):
    """The entry point's value in the group `sledgehammer.providers`."""

    name: str
    settings_type: type  # frozen dataclass of the provider's section in sledge.yaml; see sledgehammer.config

    def destination(self, project: Project) -> Destination:
        """The provider's part of a build plan."""

    def render(self, project: Project, plan: BuildPlan) -> CiFile:
        """The CI file of the plan. Pure."""

    def connect(self, project: Project, ci_file: CiFile, checkout: Checkout, environment: Environment) -> Connection:
        """Open the provider's API. Raises CredentialsError when no credential is found, naming where it looked."""


@runtime_checkable
class BulkPlanner(Protocol):
    """A provider that reads many projects together, in fewer requests than one by one. A provider may do so beside what
    every one does."""

    def plan_in_bulk(self, connections: Iterable[Connection], variables: Mapping[str, str]) -> Sequence[PlanOrError]:
        """A plan for each, in their order, the same as `Connection.plan` gives. The connections are its own, of one
        environment, whose `variables` these are; they may come while the first are read."""

    def place(self, connection: Connection) -> str:
        """Which of its projects a connection is for, in words: where two have the same, they are one."""
