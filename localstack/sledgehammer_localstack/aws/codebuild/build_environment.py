"""The environment variables of a build, and which of their values the log must not show.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

from collections.abc import Callable

from sledgehammer.errors import NotFoundError
from sledgehammer.secret import Secret
from sledgehammer_localstack.aws.codebuild.build_record import BuildRecord
from sledgehammer_localstack.aws.codebuild.buildspec import Buildspec
from sledgehammer_localstack.aws.codebuild.log_stream import SecretMask
from sledgehammer_localstack.aws.role_access import RoleAccess, RoleCredentials


class VariableError(NotFoundError):
    """A variable whose parameter or secret is not there; `code` is CodeBuild's word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def service_variables(build: BuildRecord, *, endpoint_url: str, credentials: RoleCredentials) -> dict[str, str]:
    """What CodeBuild itself sets, the role's credentials included."""
    identity, environment = build.identity, build.settings["environment"]
    return {
        "AWS_DEFAULT_REGION": build.region,
        "AWS_REGION": build.region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key.reveal(),
        "AWS_SESSION_TOKEN": credentials.session_token.reveal(),
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": identity.arn,
        "CODEBUILD_BUILD_ID": identity.id,
        "CODEBUILD_BUILD_IMAGE": environment["image"],
        "CODEBUILD_BUILD_NUMBER": str(identity.number),
        "CODEBUILD_INITIATOR": identity.initiator,
        "CODEBUILD_KMS_KEY_ID": build.settings["encryptionKey"],
        "CODEBUILD_LOG_PATH": build.log_stream,
        "CODEBUILD_PROJECT_ARN": identity.project_arn,
        "CODEBUILD_SOURCE_REPO_URL": build.settings["source"].get("location", ""),
        "CODEBUILD_SOURCE_VERSION": build.settings.get("sourceVersion", ""),
        "CODEBUILD_START_TIME": str(int(build.started.timestamp() * 1000)),
    }


def build_variables(build: BuildRecord, spec: Buildspec, access: RoleAccess, mask: SecretMask) -> dict[str, str]:
    """The user's variables: StartBuild's over the project's over the buildspec's. Raises VariableError."""
    variables = dict(spec.variables)
    for name, parameter in spec.parameter_store.items():
        variables[name] = _parameter(access, parameter, mask)
    for name, reference in spec.secrets_manager.items():
        variables[name] = _secret(access, reference, mask)
    for entry in build.settings["environment"]["environmentVariables"]:
        match entry["type"]:
            case "PARAMETER_STORE":
                variables[entry["name"]] = _parameter(access, entry["value"], mask)
            case "SECRETS_MANAGER":
                variables[entry["name"]] = _secret(access, entry["value"], mask)
            case _:
                variables[entry["name"]] = entry["value"]
    return variables


def _parameter(access: RoleAccess, name: str, mask: SecretMask) -> str:
    return _masked(lambda: access.parameter(name), mask, code="Decrypted Variables Error")


def _secret(access: RoleAccess, reference: str, mask: SecretMask) -> str:
    return _masked(lambda: access.secret(reference), mask, code="Secrets Manager Error")


def _masked(read: Callable[[], Secret], mask: SecretMask, *, code: str) -> str:
    try:
        secret = read()
    except NotFoundError as error:
        raise VariableError(code, error.message) from error
    mask.add(secret)
    return secret.reveal()
