"""CodeBuild as a service: its operations over its projects and builds."""

import time
from collections.abc import Callable

from sledgehammer_localstack.aws.cloud import Cloud
from sledgehammer_localstack.aws.codebuild.build_run import BuildHouse
from sledgehammer_localstack.aws.codebuild.builds import Builds
from sledgehammer_localstack.aws.codebuild.projects import Projects
from sledgehammer_localstack.aws.codebuild.webhooks import Webhooks
from sledgehammer_localstack.aws.codebuild.workspace import BuildExecutor
from sledgehammer_localstack.aws.connections import Connections
from sledgehammer_localstack.aws.contract import contract
from sledgehammer_localstack.aws.services import Service
from sledgehammer_localstack.aws.settings import AwsSettings


class CodeBuild:
    """`close` ends running builds."""

    def __init__(
        self,
        settings: AwsSettings,
        cloud: Cloud,
        executor: BuildExecutor,
        connections: Connections,
        *,
        endpoint_url: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        place = {"region": settings.region, "account": settings.account}
        house = BuildHouse(cloud=cloud, executor=executor, endpoint_url=endpoint_url, minute_s=settings.minute_s)
        self.projects = projects = Projects(cloud, **place, forget_layers=executor.forget_layers)
        self._builds = Builds(projects, house, slots=settings.builds_at_once, monotonic=monotonic, **place)
        webhooks = Webhooks(projects, is_available=connections.is_available)
        self.service = Service(
            contract=contract("codebuild"),
            invalid_code="InvalidInputException",
            handlers={**projects.handlers, **self._builds.handlers, **webhooks.handlers},
        )

    def close(self) -> None:
        """Stop all builds and wait for their end."""
        self._builds.close()
