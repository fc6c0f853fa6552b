"""One project on one provider, opened: what the command line and a script of yours both use."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sledgehammer.changes import ChangeSet, OnChange, OnPlan, accept_plan
from sledgehammer.checkout import Checkout, read_checkout
from sledgehammer.config import load_project
from sledgehammer.context import WorkTree
from sledgehammer.destination import Destination
from sledgehammer.dockerfile import parse_dockerfile
from sledgehammer.dockerfile.graph import StageGraph
from sledgehammer.errors import BuildFailedError, ConfigurationError, NoSectionError, file_problem
from sledgehammer.facts import facts_of_version
from sledgehammer.image_key import image_recipe, known_platform
from sledgehammer.outcome import BuiltImage, FailureClass, Outcome, Run, Status
from sledgehammer.plan import NOTHING_EXPECTED, BuildPlan, plan_build
from sledgehammer.platforms import DEFAULT_PLATFORM
from sledgehammer.ports import CiFile, Connection, Environment, ObjectOwner, OnLog, Provider, RegistryOwner
from sledgehammer.process import LocalProcessRunner, ProcessRunner
from sledgehammer.project import Project
from sledgehammer.providers import find_provider, load_providers
from sledgehammer.strategies.auto import AUTO

CONFIG_FILE = "sledge.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A project with its rendered CI file and a live connection to its provider."""

    provider: str
    project: Project
    ci_file: CiFile
    checkout: Checkout
    environment: Environment
    connection: Connection

    def plan(self) -> ChangeSet:
        """What an apply would change."""
        return self.connection.plan()

    def apply(self, *, on_change: OnChange = lambda change: None, on_plan: OnPlan = accept_plan) -> ChangeSet:
        """Bring the provider to what the project says; gives what was changed."""
        return self.connection.apply(on_change=on_change, on_plan=on_plan)

    def plan_destruction(self) -> ChangeSet:
        """What a destroy would delete."""
        return self._owner().plan_destruction()

    def destroy(self, *, on_change: OnChange = lambda change: None, on_plan: OnPlan = accept_plan) -> ChangeSet:
        """Delete what sledge has made for the project; gives what was deleted."""
        return self._owner().destroy(on_change=on_change, on_plan=on_plan)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        """Take over objects that others made, by their addresses in a plan; gives the plan that then holds."""
        return self._owner().adopt(addresses)

    def run(self, *, rebuild: bool = False, on_log: OnLog = lambda line: None) -> Outcome:
        """Build on the provider and wait for the end. Raises BuildFailedError unless it succeeded.

        Where all images were built before of the same content they get the commit's tag and nothing is triggered,
        unless `rebuild` is set: then `Outcome.run.id` is "".
        """
        if not rebuild and (reused := self._reuse()):
            run = Run(provider=self.provider, id="", url="", commit=self.checkout.commit)
            return Outcome(
                run=run, status=Status.SUCCEEDED, failure=FailureClass.NONE, reason="", duration_s=0.0, images=reused
            )
        run = self.connection.trigger(rebuild=rebuild)
        try:
            outcome = self.connection.follow(run, on_log=on_log)
        except KeyboardInterrupt:
            self.connection.cancel(run)
            raise
        if outcome.status is not Status.SUCCEEDED:
            raise BuildFailedError(
                f"run {run.id} of {self.project.name} on {run.provider} {outcome.status.value}"
                f" ({outcome.failure.value}): {outcome.reason}",
                hint=f"see {run.url}",
            )
        return outcome

    def _owner(self) -> ObjectOwner:
        if not isinstance(self.connection, ObjectOwner):
            raise ConfigurationError(
                f"the provider {self.provider} does not mark what it makes, so it can neither destroy nor adopt"
            )
        return self.connection

    def _reuse(self) -> tuple[BuiltImage, ...]:
        if not isinstance(self.connection, RegistryOwner):
            return ()
        from sledgehammer.reuse import reuse_images  # noqa: PLC0415 - whoever only renders imports no HTTP

        return reuse_images(
            self.project,
            self.checkout,
            self.connection,
            find_provider(self.provider, load_providers()).destination(self.project),
            processes=self.environment.processes,
            variables=self.environment.variables,
        )


def open_session(
    folder: Path | str,
    provider: str,
    *,
    variables: Mapping[str, str] | None = None,
    processes: ProcessRunner | None = None,
) -> Session:
    """Open the project in `folder` on the provider of that name. Its CI file is planned by facts and, where the
    strategy is `auto`, by what earlier builds left in the registry, which takes some requests.

    `variables` stand in for this process's environment (credentials, endpoints). Raises ConfigurationError,
    CredentialsError, MissingToolError when the provider's SDK is not installed, or, with `auto`, RemoteError where the
    provider gives no answer.
    """
    session = open_by_facts(folder, provider, variables=variables, processes=processes)
    if session.project.cache.strategy != AUTO or not isinstance(session.connection, RegistryOwner):
        return session
    from sledgehammer.experience import expectations_for_auto  # noqa: PLC0415 - whoever only renders imports no HTTP

    project, chosen = session.project, find_provider(provider, load_providers())
    destination = chosen.destination(project)
    graphs = read_graphs(project, destination)
    expectations = expectations_for_auto(project, session.connection, destination, graphs)
    ci_file = render_ci_file(project, chosen, expectations=expectations)
    if ci_file == session.ci_file:
        return session
    connection = chosen.connect(project, ci_file, session.checkout, session.environment)
    return replace(session, ci_file=ci_file, connection=connection)


def open_by_facts(
    folder: Path | str,
    provider: str,
    *,
    variables: Mapping[str, str] | None = None,
    processes: ProcessRunner | None = None,
) -> Session:
    """The same by facts alone, for whoever does not need the CI file: sends nothing yet."""
    seam = processes if processes is not None else LocalProcessRunner()
    project = read_project(Path(folder))
    chosen = find_provider(provider, load_providers())
    ci_file = render_ci_file(project, chosen)
    checkout = read_checkout(project.root, runner=seam)
    environment = Environment(variables=dict(os.environ if variables is None else variables), processes=seam)
    connection = chosen.connect(project, ci_file, checkout, environment)
    return Session(
        provider=chosen.name,
        project=project,
        ci_file=ci_file,
        checkout=checkout,
        environment=environment,
        connection=connection,
    )


def read_project(folder: Path) -> Project:
    """Read `sledge.yaml` in `folder`. Raises ConfigurationError with file and line."""
    return load_project(folder / CONFIG_FILE, providers=load_providers())


def render_ci_file(
    project: Project, provider: Provider, *, expectations: Mapping[str, Mapping[str, float]] = NOTHING_EXPECTED
) -> CiFile:
    """The provider's CI file for the project's images as their Dockerfiles stand now. Strategy `auto` goes by
    `expectations` too, seconds by image and strategy. Raises NoSectionError where sledge.yaml does not name it."""
    if provider.name not in project.providers:
        raise NoSectionError(
            f"{project.root / CONFIG_FILE} has no section for {provider.name}",
            hint=f"add a top-level key {provider.name}: to it",
        )
    return provider.render(project, plan_for(project, provider.destination(project), expectations=expectations))


def plan_for(
    project: Project, destination: Destination, *, expectations: Mapping[str, Mapping[str, float]] = NOTHING_EXPECTED
) -> BuildPlan:
    """The build plan towards a destination, by the project's own strategy."""
    graphs = read_graphs(project, destination)
    platform = known_platform(project, destination.platform) or DEFAULT_PLATFORM
    tree = WorkTree(project.root)
    recipes = {image.name: image_recipe(project, image, tree, platform=platform) for image in project.images}
    return plan_build(
        project,
        graphs=graphs,
        facts=facts_of_version(project.docker_version),
        destination=destination,
        recipes=recipes,
        expectations=expectations,
    )


def read_graphs(project: Project, destination: Destination) -> Mapping[str, StageGraph]:
    """By image name, its Dockerfile's stages on the machines that build. Raises ConfigurationError."""
    platform = known_platform(project, destination.platform) or DEFAULT_PLATFORM
    graphs = {}
    for image in project.images:
        path = project.root / image.dockerfile
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"the Dockerfile of image {image.name} cannot be read: {path}: {file_problem(error)}",
                hint="set dockerfile: in sledge.yaml to its path below that file",
            ) from error
        graphs[image.name] = parse_dockerfile(content, name=image.dockerfile, platform=platform)
    return graphs
