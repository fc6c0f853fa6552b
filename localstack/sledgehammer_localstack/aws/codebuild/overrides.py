"""What a build runs with: its project's settings and, over them, what StartBuild overrides.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

from copy import deepcopy

from sledgehammer_localstack.aws.refusal import AwsError, invalid_input
from sledgehammer_localstack.aws.services import Document

_KEPT = (
    "source",
    "sourceVersion",
    "secondarySources",
    "secondarySourceVersions",
    "artifacts",
    "secondaryArtifacts",
    "cache",
    "environment",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
    "logsConfig",
    "vpcConfig",
    "fileSystemLocations",
    "autoRetryLimit",
)
_WHOLE = {
    "sourceVersion": "sourceVersion",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "cacheOverride": "cache",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
    "autoRetryLimitOverride": "autoRetryLimit",
}
_SOURCE = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "sourceAuthOverride": "auth",
    "gitCloneDepthOverride": "gitCloneDepth",
    "gitSubmodulesConfigOverride": "gitSubmodulesConfig",
    "buildspecOverride": "buildspec",
    "insecureSslOverride": "insecureSsl",
    "reportBuildStatusOverride": "reportBuildStatus",
    "buildStatusConfigOverride": "buildStatusConfig",
}
_ENVIRONMENT = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "certificateOverride": "certificate",
    "privilegedModeOverride": "privilegedMode",
    "registryCredentialOverride": "registryCredential",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
    "fleetOverride": "fleet",
    "hostKernelOverride": "hostKernel",
}
_RUNNABLE_TYPES = ("LINUX_CONTAINER", "LINUX_GPU_CONTAINER")


def build_settings(project: Document, request: Document) -> Document:
    """The members of a build that come from its project and its StartBuild request."""
    settings = deepcopy({name: project[name] for name in _KEPT if name in project})
    settings |= {name: deepcopy(request[key]) for key, name in _WHOLE.items() if key in request}
    settings["source"] |= {name: deepcopy(request[key]) for key, name in _SOURCE.items() if key in request}
    if request.get("sourceTypeOverride") == "NO_SOURCE":
        settings["source"].pop("location", None)
    environment = settings["environment"]
    environment |= {name: deepcopy(request[key]) for key, name in _ENVIRONMENT.items() if key in request}
    variables = {entry["name"]: entry for entry in environment.get("environmentVariables", [])}
    variables |= {entry["name"]: entry for entry in request.get("environmentVariablesOverride", [])}
    environment["environmentVariables"] = [{"type": "PLAINTEXT", **entry} for entry in variables.values()]
    return settings


def refuse_unrunnable(settings: Document, request: Document) -> None:
    """Say which part of a build's settings cannot be run on this machine, rather than run without it."""
    source, environment = settings["source"], settings["environment"]
    if source["type"] not in {"S3", "NO_SOURCE"}:
        raise _not_here(f"source type {source['type']}; S3 and NO_SOURCE are run")
    if source["type"] == "S3" and source.get("location", "").endswith("/"):
        raise _not_here("an S3 source that is a folder; a zip file is run")
    if environment["type"] not in _RUNNABLE_TYPES:
        raise _not_here(f"environment type {environment['type']}; {' and '.join(_RUNNABLE_TYPES)} are run")
    if settings["artifacts"]["type"] == "CODEPIPELINE":
        raise _not_here("artifacts of type CODEPIPELINE")
    cache = settings.get("cache", {})
    if cache.get("type") == "S3" and not cache.get("location"):
        raise invalid_input("a cache of type S3 requires a location")
    if settings.get("logsConfig", {}).get("s3Logs", {}).get("status") == "ENABLED":
        raise _not_here("logs to S3")
    for name in ("secondarySources", "secondaryArtifacts", "fileSystemLocations", "vpcConfig"):
        if settings.get(name):
            raise _not_here(name)
    if environment.get("dockerServer"):
        raise _not_here(
            "environment.dockerServer, a machine beside the build that keeps its layers for weeks; a LOCAL cache with "
            "LOCAL_DOCKER_LAYER_CACHE keeps layers here"
        )
    for name in ("fleet", "registryCredential", "certificate"):
        if environment.get(name):
            raise _not_here(f"environment.{name}")
    if request.get("debugSessionEnabled"):
        raise _not_here("debug sessions")


def _not_here(what: str) -> AwsError:
    return invalid_input(f"the local CodeBuild does not run {what}")
