"""The AWS endpoint's life: from settings to a listening port and back."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

import requests

from sledgehammer_localstack.aws.access.gatekeeper import Gatekeeper
from sledgehammer_localstack.aws.access.guard import Guard
from sledgehammer_localstack.aws.access.object_policies import ObjectPolicies
from sledgehammer_localstack.aws.access.rpc_needs import Place
from sledgehammer_localstack.aws.application import AwsApplication
from sledgehammer_localstack.aws.cloud import SERVICE_KEY, Cloud
from sledgehammer_localstack.aws.codebuild.process_executor import ProcessExecutor
from sledgehammer_localstack.aws.codebuild.service import CodeBuild
from sledgehammer_localstack.aws.codebuild.workspace import BuildExecutor
from sledgehammer_localstack.aws.connections import Connections
from sledgehammer_localstack.aws.ecr.repositories import Repositories
from sledgehammer_localstack.aws.ecr.service import Ecr, utc_now
from sledgehammer_localstack.aws.fault_dialect import AwsDialect
from sledgehammer_localstack.aws.http_server import HttpServer
from sledgehammer_localstack.aws.identity_providers import IdentityProviders
from sledgehammer_localstack.aws.settings import AwsSettings
from sledgehammer_localstack.aws.tagging import Tagging
from sledgehammer_localstack.fault_middleware import FaultMiddleware
from sledgehammer_localstack.faults import FaultScript

log = logging.getLogger(__name__)


class AwsEndpoint:
    """Serves in background threads while entered; `faults` may be scripted at any time.

    Builds run where `executor` says, as plain processes by default. moto keeps its state per process: entering
    an endpoint empties it, so one endpoint per process is served at a time. `monotonic` is the clock of
    idempotency tokens, `now` that of registry tokens.
    """

    def __init__(
        self,
        settings: AwsSettings,
        *,
        executor: BuildExecutor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.faults = FaultScript()
        self._server = HttpServer(settings.host, settings.port)
        address = settings.address or f"{settings.host}:{self._server.port}"
        repositories = Repositories(region=settings.region, account=settings.account, address=address, now=now)
        objects = ObjectPolicies(repositories, account=settings.account, region=settings.region)
        gatekeeper = Gatekeeper(settings.account, region=settings.region, object_policies=objects.policy_of)
        place = Place(region=settings.region, account=settings.account, secret_arn=objects.secret_arn)
        self._cloud = Cloud(gatekeeper=gatekeeper, place=place)
        self.url = f"http://{address}"
        connections = Connections(region=settings.region, account=settings.account)
        self._codebuild = CodeBuild(
            settings,
            self._cloud,
            executor or ProcessExecutor(),
            connections,
            endpoint_url=self.url,
            monotonic=monotonic,
        )
        ecr = Ecr(settings, repositories, gatekeeper, address=address, now=now)
        tagging = Tagging((repositories.tagged, self._codebuild.projects.tagged, self._cloud.tagged))
        services = [self._codebuild.service, ecr.service, tagging.service, connections.service]
        app = AwsApplication(
            services,
            ecr.registry,
            IdentityProviders(settings.account),
            connections,
            self._cloud.app,
            region=settings.region,
        )
        guard = Guard(app, gatekeeper, place, service_key=SERVICE_KEY, now=now)
        self._server.install(FaultMiddleware(guard, self.faults, AwsDialect()))

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._cloud.server)
            requests.post(f"{self._cloud.url}/moto-api/reset", timeout=30).raise_for_status()
            stack.enter_context(self._server)
            stack.callback(self._codebuild.close)  # builds end before the servers they talk to
            self._stack = stack.pop_all()
        log.info("AWS listens on %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
