"""The rest of AWS, as CodeBuild needs it: moto for roles, parameters, secrets, objects and logs."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sledgehammer.errors import CredentialsError
from sledgehammer.secret import Secret
from sledgehammer_localstack.aws.access.gatekeeper import Gatekeeper
from sledgehammer_localstack.aws.access.guard import Guard
from sledgehammer_localstack.aws.access.rpc_needs import Place
from sledgehammer_localstack.aws.http_server import HttpServer
from sledgehammer_localstack.aws.moto_tags import tags_in_moto
from sledgehammer_localstack.aws.one_at_a_time import OneAtATime
from sledgehammer_localstack.aws.role_access import RoleAccess, RoleCredentials

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

SERVICE_KEY = "codebuild"
"""Signs what the local services do themselves."""

CODEBUILD = "codebuild.amazonaws.com"


class Cloud:
    """moto, reached on a port of its own: faults scripted for users do not hit it, IAM's word holds there too."""

    def __init__(self, *, gatekeeper: Gatekeeper, place: Place) -> None:
        self._region = place.region
        self._account = place.account
        self._gatekeeper = gatekeeper
        self._session = boto3.Session()
        self._making = threading.Lock()
        self.app = OneAtATime(DomainDispatcherApplication(create_backend_app))
        guard = Guard(self.app, gatekeeper, place, service_key=SERVICE_KEY, now=lambda: datetime.now(UTC))
        self.server = HttpServer("127.0.0.1", 0, guard)

    @property
    def url(self) -> str:
        """Where moto listens, for this process only."""
        return f"http://127.0.0.1:{self.server.port}"

    @cached_property
    def itself(self) -> RoleAccess:
        """What the service does in its own name; nobody is asked whether it may."""
        secret = Secret("codebuild", source="the local stack")  # moto checks no signature
        credentials = RoleCredentials(access_key_id=SERVICE_KEY, secret_access_key=secret, session_token=Secret(""))
        return RoleAccess(self._client, credentials)

    @cached_property
    def _sts(self) -> "STSClient":
        return self._client("sts", self.itself.credentials)  # type: ignore[no-any-return]

    def tagged(self) -> Mapping[str, Mapping[str, str]]:
        """ARN to tags of what moto holds."""
        with self.app.alone():
            return tags_in_moto(self._account, self._region)

    def trust_refusal(self, role_arn: str, *, project_arn: str) -> str:
        """Why CodeBuild may not assume a role on behalf of a project; "" when it may."""
        return self._gatekeeper.service_refusal(CODEBUILD, role_arn, source_arn=project_arn)

    def assume(self, role_arn: str, *, project_arn: str, session: str, duration_s: int) -> RoleAccess:
        """A role, as CodeBuild takes it for a build of a project. Raises CredentialsError."""
        if words := self.trust_refusal(role_arn, project_arn=project_arn):
            raise CredentialsError(words)
        answer = self._sts.assume_role(RoleArn=role_arn, RoleSessionName=session, DurationSeconds=duration_s)
        given = answer["Credentials"]
        credentials = RoleCredentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=Secret(given["SecretAccessKey"], source=role_arn),
            session_token=Secret(given["SessionToken"], source=role_arn),
        )
        return RoleAccess(self._client, credentials)

    def _client(self, service: str, credentials: RoleCredentials) -> Any:
        with self._making:  # making clients is not safe in several threads, using them is
            return self._session.client(
                service,  # type: ignore[call-overload]
                region_name=self._region,
                endpoint_url=self.url,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key.reveal(),
                aws_session_token=credentials.session_token.reveal() or None,
                config=Config(retries={"mode": "standard"}, s3={"addressing_style": "path"}),
            )
