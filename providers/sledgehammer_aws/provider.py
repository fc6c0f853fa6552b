"""The entry point: AWS (CodeBuild and ECR) as a Sledgehammer provider."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from sledgehammer.checkout import Checkout
from sledgehammer.destination import Destination
from sledgehammer.errors import ConfigurationError, MissingToolError
from sledgehammer.plan import BuildPlan
from sledgehammer.ports import CiFile, Connection, Environment, PlanOrError, Provider
from sledgehammer.project import Project
from sledgehammer_aws.destination import destination_of
from sledgehammer_aws.render import BUILDSPEC, render_buildspec
from sledgehammer_aws.settings import Settings

if TYPE_CHECKING:
    from sledgehammer_aws.connection import AwsConnection


class Aws:
    """Renders without boto3; only `connect` needs it."""

    name = "aws"
    settings_type: type = Settings

    def destination(self, project: Project) -> Destination:
        return destination_of(project, _settings(project))

    def render(self, project: Project, plan: BuildPlan) -> CiFile:
        return CiFile(path=BUILDSPEC, text=render_buildspec(plan, _settings(project)))

    def connect(self, project: Project, ci_file: CiFile, checkout: Checkout, environment: Environment) -> Connection:
        try:
            from sledgehammer_aws.connection import open_connection  # noqa: PLC0415 - the SDK is an extra
        except ModuleNotFoundError as error:
            if error.name not in ("boto3", "botocore"):
                raise
            raise MissingToolError(
                "the AWS provider needs the Python package boto3, which is not installed",
                hint="pip install 'sledgehammer[aws]'",
            ) from error
        return open_connection(project, _settings(project), ci_file, checkout, environment)

    def plan_in_bulk(self, connections: Iterable[Connection], variables: Mapping[str, str]) -> Sequence[PlanOrError]:
        from sledgehammer_aws.bulk_planning import plan_in_bulk  # noqa: PLC0415 - the SDK is an extra

        return plan_in_bulk(cast("Iterable[AwsConnection]", connections))

    def place(self, connection: Connection) -> str:
        mine = cast("AwsConnection", connection)
        return f"CodeBuild's project {mine.settings.project or mine.project.name} in {mine.clients.region}"


def _settings(project: Project) -> Settings:
    settings = project.providers.get(Aws.name)
    if not isinstance(settings, Settings):
        raise ConfigurationError(
            f"project {project.name} has no aws: section", hint="add aws: {region: …} to sledge.yaml"
        )
    return settings


PROVIDER: Provider = Aws()
