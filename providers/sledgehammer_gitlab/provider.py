"""The entry point: GitLab as a Sledgehammer provider."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from sledgehammer.checkout import Checkout
from sledgehammer.destination import Destination
from sledgehammer.errors import ConfigurationError, MissingToolError
from sledgehammer.plan import BuildPlan
from sledgehammer.polling import SystemClock
from sledgehammer.ports import CiFile, Connection, Environment, PlanOrError, Provider
from sledgehammer.project import Project
from sledgehammer_gitlab.destination import destination_of
from sledgehammer_gitlab.render import CI_FILE, render_ci_text
from sledgehammer_gitlab.settings import Settings

if TYPE_CHECKING:
    from sledgehammer_gitlab.connection import GitLabConnection


class GitLab:
    """Renders without python-gitlab; only `connect` needs it."""

    name = "gitlab"
    settings_type: type = Settings

    def destination(self, project: Project) -> Destination:
        settings = _settings(project)
        return destination_of(project, settings.project, platform=settings.platform)

    def render(self, project: Project, plan: BuildPlan) -> CiFile:
        return CiFile(path=CI_FILE, text=render_ci_text(project, _settings(project), plan))

    def connect(self, project: Project, ci_file: CiFile, checkout: Checkout, environment: Environment) -> Connection:
        try:
            from sledgehammer_gitlab.connection import open_connection  # noqa: PLC0415 - the SDK is an extra
        except ModuleNotFoundError as error:
            if error.name != "gitlab":
                raise
            raise MissingToolError(
                "the GitLab provider needs the Python package python-gitlab, which is not installed",
                hint="pip install 'sledgehammer[gitlab]'",
            ) from error
        return open_connection(project, _settings(project), ci_file, checkout, environment)

    def plan_in_bulk(self, connections: Iterable[Connection], variables: Mapping[str, str]) -> Sequence[PlanOrError]:
        from sledgehammer_gitlab.bulk_planning import plan_in_bulk  # noqa: PLC0415 - the SDK is an extra

        mine = cast("Iterable[GitLabConnection]", connections)
        return plan_in_bulk(mine, variables, clock=SystemClock())

    def place(self, connection: Connection) -> str:
        target = cast("GitLabConnection", connection).target
        return f"GitLab's project {target.path}{f' on {target.settings.url}' if target.settings.url else ''}"


def _settings(project: Project) -> Settings:
    settings = project.providers.get(GitLab.name)
    if not isinstance(settings, Settings):
        raise ConfigurationError(
            f"project {project.name} has no gitlab: section", hint="add gitlab: {project: group/name} to sledge.yaml"
        )
    return settings


PROVIDER: Provider = GitLab()
