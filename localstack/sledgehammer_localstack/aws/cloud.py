"""The rest of AWS, as CodeBuild needs it: roles, parameters, secrets, objects and logs in moto."""

import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sledgehammer.errors import NotFoundError, RemoteError
from sledgehammer.secret import Secret
from sledgehammer_localstack.aws.http_server import HttpServer

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCredentials:
    """Temporary credentials of an assumed role."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret


class Cloud:
    """Clients of moto, reached on a port of its own: faults scripted for users do not hit them."""

    def __init__(self, *, region: str) -> None:
        self._region = region
        self._session = boto3.Session()
        self._making = threading.Lock()
        self.app = DomainDispatcherApplication(create_backend_app)
        self.server = HttpServer("127.0.0.1", 0, self.app)

    @property
    def url(self) -> str:
        """Where moto listens, for this process only."""
        return f"http://127.0.0.1:{self.server.port}"

    @cached_property
    def iam(self) -> "IAMClient":
        return self._client("iam")  # type: ignore[no-any-return]

    @cached_property
    def sts(self) -> "STSClient":
        return self._client("sts")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self._client("logs")  # type: ignore[no-any-return]

    @cached_property
    def s3(self) -> "S3Client":
        return self._client("s3")  # type: ignore[no-any-return]

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        return self._client("secretsmanager")  # type: ignore[no-any-return]

    @cached_property
    def parameters(self) -> Any:
        return self._client("ssm")

    def trust_policy(self, role_arn: str) -> dict[str, Any]:
        """The trust policy of a role. Raises NotFoundError."""
        try:
            document = self.iam.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        except ClientError as error:
            raise NotFoundError(f"no role {role_arn}: {error}") from error
        return json.loads(document) if isinstance(document, str) else dict(document)

    def assume(self, role_arn: str, *, session: str, duration_s: int) -> RoleCredentials:
        """Credentials of a role, as a service gets them."""
        answer = self.sts.assume_role(RoleArn=role_arn, RoleSessionName=session, DurationSeconds=duration_s)
        given = answer["Credentials"]
        return RoleCredentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=Secret(given["SecretAccessKey"], source=role_arn),
            session_token=Secret(given["SessionToken"], source=role_arn),
        )

    def parameter(self, name: str) -> Secret:
        """A parameter's text, decrypted. Raises NotFoundError."""
        try:
            answer = self.parameters.get_parameter(Name=name, WithDecryption=True)
        except ClientError as error:
            raise NotFoundError(f"parameter {name}: {error}") from error
        return Secret(answer["Parameter"]["Value"], source=name)

    def secret(self, reference: str) -> Secret:
        """A secret's text by `id[:json-key[:version-stage[:version-id]]]`; the id may be an ARN.

        Raises NotFoundError when the secret or its key is not there. Form:
        https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html (env/secrets-manager)."""
        name, key, stage, version = _split_reference(reference)
        wanted = {"VersionStage": stage} if stage else {"VersionId": version} if version else {}
        try:
            text = self.secrets.get_secret_value(SecretId=name, **wanted)["SecretString"]
        except ClientError as error:
            raise NotFoundError(f"secret {name}: {error}") from error
        if not key:
            return Secret(text, source=name)
        try:
            return Secret(str(json.loads(text)[key]), source=f"{name}:{key}")
        except (ValueError, KeyError, TypeError) as error:
            raise NotFoundError(f"secret {name} is no JSON object with a key {key}") from error

    def read_object(self, bucket: str, key: str, version: str = "") -> tuple[bytes, str]:
        """An object's bytes and its version (`""` in a bucket without versions). Raises NotFoundError."""
        try:
            if version:
                answer = self.s3.get_object(Bucket=bucket, Key=key, VersionId=version)
            else:
                answer = self.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise NotFoundError(f"object s3://{bucket}/{key}: {error}") from error
        return answer["Body"].read(), answer.get("VersionId", "")

    def write_object(self, bucket: str, key: str, content: bytes) -> None:
        """Put an object. Raises RemoteError."""
        try:
            self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        except ClientError as error:
            raise RemoteError(f"writing s3://{bucket}/{key}: {error}") from error

    def _client(self, service: str) -> Any:
        with self._making:  # making clients is not safe in several threads, using them is
            return self._session.client(
                service,  # type: ignore[call-overload]
                region_name=self._region,
                endpoint_url=self.url,
                aws_access_key_id="codebuild",
                aws_secret_access_key="codebuild",  # noqa: S106 - moto checks no signature
                config=Config(retries={"mode": "standard"}, s3={"addressing_style": "path"}),
            )


def _split_reference(reference: str) -> tuple[str, str, str, str]:
    parts = reference.split(":")
    head = 7 if reference.startswith("arn:") else 1
    rest = [*parts[head:], "", "", ""]
    return ":".join(parts[:head]), rest[0], rest[1], rest[2]
