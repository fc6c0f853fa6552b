"""A CodeBuild project as a record of the fields that we manage, and its two translations. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from sledgehammer.provisioning import Attributes
from sledgehammer.secret import Secret
from sledgehammer_aws.account import Names
from sledgehammer_aws.destination import REGISTRY_VARIABLE
from sledgehammer_aws.kept_cache import CacheType, KeptCache, desired_cache, has_docker_server
from sledgehammer_aws.settings import Settings, Variable

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import ProjectTypeDef

VariableType = Literal["PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"]

PLAIN: Final = "PLAINTEXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableContent:
    """A variable's value, or where it lies. A plain value may be a secret put there by hand, so it never prints."""

    type: VariableType
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProject:
    """What we manage of a project; "" and False stand for what an answer leaves out."""

    source: str  # type and location
    buildspec: str
    artifacts: str
    environment: str
    image: str
    compute_type: str
    privileged: bool
    docker_server: str  # its size
    pull_credentials: str
    variables: Mapping[str, VariableContent]
    role_arn: str
    timeout_minutes: int
    logs: str  # status and group
    concurrent_builds: int  # 0: as the account
    auto_retries: int
    network: str  # VPC, subnets and security groups
    cache: KeptCache


def desired_project(
    names: Names, settings: Settings, buildspec: str, *, strategy: str, connection_arn: str = ""
) -> BuildProject:
    """The project as it should be: the buildspec inline, the source from S3 or through the connection, what the cache
    strategy needs. The container is privileged, for a Docker daemon runs in it, unless there is a Docker server for it
    (CodeBuild user guide, "Docker image build server sample")."""
    has_server = has_docker_server(strategy)
    variables = {name: _content(variable) for name, variable in settings.variables.items()}
    vpc = settings.vpc
    registry = VariableContent(type=PLAIN, value=names.account.registry)
    return BuildProject(
        source=_source(settings, names, connection_arn),
        buildspec=buildspec,
        artifacts="NO_ARTIFACTS",
        environment="LINUX_CONTAINER",
        image=settings.build_image,
        compute_type=settings.compute_type.value,
        privileged=not has_server,
        docker_server=settings.docker_server.compute_type.value if has_server else "",
        pull_credentials="CODEBUILD",
        variables={REGISTRY_VARIABLE: registry, **variables},
        role_arn=names.role_arn,
        timeout_minutes=settings.timeout_minutes,
        logs=f"ENABLED {names.log_group}",
        concurrent_builds=settings.concurrent_builds,
        auto_retries=settings.auto_retries,
        network=_network(vpc.id, vpc.subnets, vpc.security_groups) if vpc is not None else "",
        cache=desired_cache(names, strategy),
    )


def observed_project(answer: "ProjectTypeDef") -> BuildProject:
    """A project as BatchGetProjects gives it."""
    source, environment = answer.get("source", {}), answer.get("environment", {})
    cache = answer.get("cache", {})
    vpc = answer.get("vpcConfig", {})
    cloud_watch = answer.get("logsConfig", {}).get("cloudWatchLogs", {})
    return BuildProject(
        source=_source_text(
            source.get("type", ""),
            source.get("location", ""),
            depth=source.get("gitCloneDepth", 0),
            connection_arn=source.get("auth", {}).get("resource", ""),
        ),
        buildspec=source.get("buildspec", ""),
        artifacts=answer.get("artifacts", {}).get("type", ""),
        environment=environment.get("type", ""),
        image=environment.get("image", ""),
        compute_type=environment.get("computeType", ""),
        privileged=environment.get("privilegedMode", False),
        docker_server=environment.get("dockerServer", {}).get("computeType", ""),
        pull_credentials=environment.get("imagePullCredentialsType", "CODEBUILD"),
        variables={
            variable["name"]: VariableContent(type=variable.get("type", PLAIN), value=variable["value"])
            for variable in environment.get("environmentVariables", [])
        },
        role_arn=answer.get("serviceRole", ""),
        timeout_minutes=answer.get("timeoutInMinutes", 0),
        logs=f"{cloud_watch.get('status', '')} {cloud_watch.get('groupName', '')}",
        concurrent_builds=answer.get("concurrentBuildLimit", 0),
        auto_retries=answer.get("autoRetryLimit", 0),
        network=_network(vpc.get("vpcId", ""), vpc.get("subnets", []), vpc.get("securityGroupIds", [])),
        cache=KeptCache(
            type=CacheType(cache.get("type", CacheType.NONE.value)),
            location=cache.get("location", ""),
            modes=tuple(cache.get("modes", ())),
        ),
    )


def attributes_of(project: BuildProject) -> Attributes:
    """The record as a person compares it. Values of plain variables may be secrets put there by hand."""
    variables: dict[str, str | Secret] = {}
    for name, content in sorted(project.variables.items()):
        is_ours = content.type != PLAIN or name == REGISTRY_VARIABLE
        variables[f"variable {name}"] = f"{content.type} {content.value}" if is_ours else Secret(content.value)
    digest = hashlib.sha256(project.buildspec.encode()).hexdigest()
    return {
        "source": project.source,
        "buildspec": f"sha256 {digest[:16]}",
        "artifacts": project.artifacts,
        "environment": project.environment,
        "image": project.image,
        "compute type": project.compute_type,
        "privileged": "yes" if project.privileged else "no",
        "docker server": project.docker_server,
        "image pull credentials": project.pull_credentials,
        **variables,
        "service role": project.role_arn,
        "timeout minutes": str(project.timeout_minutes),
        "logs": project.logs,
        "concurrent builds": str(project.concurrent_builds or ""),
        "auto retries": str(project.auto_retries or ""),
        "network": project.network,
        "cache": project.cache.text,
    }


def _source(settings: Settings, names: Names, connection_arn: str) -> str:
    git = settings.source
    if git is None:
        return _source_text("S3", f"{names.bucket}/{names.source_key}", depth=0, connection_arn="")
    return _source_text(git.source_type, git.repository, depth=git.clone_depth, connection_arn=connection_arn)


def _source_text(kind: str, location: str, *, depth: int, connection_arn: str) -> str:
    through = f"through {connection_arn}" if connection_arn else ""
    return " ".join(part for part in (kind, location, f"depth {depth}" if depth else "", through) if part)


def _network(vpc: str, subnets: Sequence[str], security_groups: Sequence[str]) -> str:
    return " ".join([vpc, *sorted(subnets), *sorted(security_groups)]) if vpc else ""


def _content(variable: Variable) -> VariableContent:
    if variable.parameter is not None:
        return VariableContent(type="PARAMETER_STORE", value=variable.parameter)
    if variable.secret is not None:
        return VariableContent(type="SECRETS_MANAGER", value=variable.secret)
    return VariableContent(type=PLAIN, value=variable.value or "")
