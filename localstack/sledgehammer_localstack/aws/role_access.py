"""What one set of credentials reaches of parameters, secrets, objects and logs: a build by its role's."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sledgehammer.errors import NotFoundError, RemoteError
from sledgehammer.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCredentials:
    """Temporary credentials of an assumed role."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret


MakeClient = Callable[[str, RoleCredentials], Any]


class RoleAccess:
    """Clients are made when first needed."""

    def __init__(self, make_client: MakeClient, credentials: RoleCredentials) -> None:
        self._make_client = make_client
        self.credentials = credentials

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self._client("logs")  # type: ignore[no-any-return]

    @cached_property
    def s3(self) -> "S3Client":
        return self._client("s3")  # type: ignore[no-any-return]

    @cached_property
    def _secrets(self) -> "SecretsManagerClient":
        return self._client("secretsmanager")  # type: ignore[no-any-return]

    @cached_property
    def _parameters(self) -> Any:
        return self._client("ssm")

    def parameter(self, name: str) -> Secret:
        """A parameter's text, decrypted. Raises NotFoundError."""
        try:
            found = self._parameters.get_parameters(Names=[name], WithDecryption=True)["Parameters"]
        except ClientError as error:
            raise NotFoundError(f"parameter {name}: {error}") from error
        if not found:
            raise NotFoundError(f"parameter {name}: ParameterNotFound")
        return Secret(found[0]["Value"], source=name)

    def secret(self, reference: str) -> Secret:
        """A secret's text by `id[:json-key[:version-stage[:version-id]]]`; the id may be an ARN.

        Raises NotFoundError when the secret or its key is not there. Form:
        https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html (env/secrets-manager)."""
        name, key, stage, version = _split_reference(reference)
        wanted = {"VersionStage": stage} if stage else {"VersionId": version} if version else {}
        try:
            text = self._secrets.get_secret_value(SecretId=name, **wanted)["SecretString"]
        except ClientError as error:
            raise NotFoundError(f"secret {name}: {error}") from error
        if not key:
            return Secret(text, source=name)
        try:
            return Secret(str(json.loads(text)[key]), source=f"{name}:{key}")
        except (ValueError, KeyError, TypeError) as error:
            raise NotFoundError(f"secret {name} is no JSON object with a key {key}") from error

    def check_bucket(self, bucket: str) -> None:
        """Ask whose a bucket is and where, as CodeBuild does before it uses one (user guide, "Allow CodeBuild to
        interact with other AWS services", the S3 statements of the service role). Raises NotFoundError."""
        try:
            self.s3.get_bucket_acl(Bucket=bucket)
            self.s3.get_bucket_location(Bucket=bucket)
        except ClientError as error:
            raise NotFoundError(f"bucket {bucket}: {error}") from error

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
        return self._make_client(service, self.credentials)


def _split_reference(reference: str) -> tuple[str, str, str, str]:
    parts = reference.split(":")
    head = 7 if reference.startswith("arn:") else 1
    rest = [*parts[head:], "", "", ""]
    return ":".join(parts[:head]), rest[0], rest[1], rest[2]
