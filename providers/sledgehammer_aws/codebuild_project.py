"""The CodeBuild project."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.build_project import BuildProject, attributes_of, desired_project, observed_project
from sledgehammer_aws.client import PROPAGATION_POLICY
from sledgehammer_aws.git_connection import GitConnection
from sledgehammer_aws.kept_cache import KeptCache
from sledgehammer_aws.managed import has_tags
from sledgehammer_aws.site import Site
from sledgehammer_aws.states import Tags

if TYPE_CHECKING:
    from mypy_boto3_codebuild.literals import CacheModeType, ComputeTypeType
    from mypy_boto3_codebuild.type_defs import (
        ProjectCacheTypeDef,
        ProjectEnvironmentTypeDef,
        ProjectSourceTypeDef,
        UpdateProjectInputTypeDef,
    )

NO_LIMIT = -1
"""Takes a limit of concurrent builds away (CodeBuild API reference, UpdateProject)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBuildProject:
    """Its role may be seconds old, so making and changing it waits for IAM to tell everybody."""

    site: Site
    name: str
    buildspec: str
    strategy: str  # of the layer cache
    connection: GitConnection | None = None  # to where the source is, unless it is an archive in S3
    kind: str = "aws_codebuild_project"

    def _wanted(self) -> BuildProject:
        return desired_project(
            self.site.names,
            self.site.settings,
            self.buildspec,
            strategy=self.strategy,
            connection_arn=self._connection_arn(),
        )

    def _connection_arn(self) -> str:
        return self.connection.arn() if self.connection is not None else ""

    def desired(self) -> Attributes | None:
        return {**self.site.wanted_tags(), **attributes_of(self._wanted())}

    def observe(self, *, anew: bool = False) -> Observed | None:
        state = self.site.reader.project(self.name, anew=anew)
        if state is None:
            return None
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", state.tags)
        tags = self.site.found_tags(state.tags, owner)
        return Observed(attributes={**tags, **attributes_of(observed_project(state.answer))}, owner=owner)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1 + has_tags(attributes)

    def create(self) -> Collection[str]:
        codebuild, request = self.site.clients.codebuild, self._request()
        request["tags"] = [{"key": key, "value": value} for key, value in self.site.tags.items()]
        if self.site.settings.concurrent_builds:
            request["concurrentBuildLimit"] = self.site.settings.concurrent_builds
        self.site.calls.send(
            f"codebuild:CreateProject {self.name}",
            lambda: codebuild.create_project(**request),
            policy=PROPAGATION_POLICY,
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """UpdateProject leaves alone what it is not given, and replaces lists, tags among them, as a whole."""
        codebuild, request = self.site.clients.codebuild, self._request()
        if has_tags(attributes):
            request["tags"] = [{"key": key, "value": value} for key, value in self._tags_with(self.site.tags).items()]
        if "concurrent builds" in attributes:
            request["concurrentBuildLimit"] = self.site.settings.concurrent_builds or NO_LIMIT
        self.site.calls.send(
            f"codebuild:UpdateProject {self.name}",
            lambda: codebuild.update_project(**request),
            policy=PROPAGATION_POLICY,
        )

    def mark(self) -> None:
        codebuild, tags = self.site.clients.codebuild, self._tags_with(self.site.marks)
        self.site.calls.send(
            f"codebuild:UpdateProject {self.name}",
            lambda: codebuild.update_project(
                name=self.name, tags=[{"key": key, "value": value} for key, value in tags.items()]
            ),
            policy=PROPAGATION_POLICY,
        )

    def delete(self) -> None:
        """One that has gone is no error of CodeBuild's."""
        codebuild = self.site.clients.codebuild
        self.site.calls.send(f"codebuild:DeleteProject {self.name}", lambda: codebuild.delete_project(name=self.name))

    def _tags_with(self, tags: Tags) -> Tags:
        state = self.site.reader.project(self.name, anew=True)
        return {**(state.tags if state is not None else {}), **tags}

    def _request(self) -> "UpdateProjectInputTypeDef":
        wanted, names = self._wanted(), self.site.names
        vpc = self.site.settings.vpc
        environment: ProjectEnvironmentTypeDef = {
            "type": "LINUX_CONTAINER",
            "image": wanted.image,
            "computeType": cast("ComputeTypeType", wanted.compute_type),
            "privilegedMode": wanted.privileged,
            "imagePullCredentialsType": "CODEBUILD",
            "environmentVariables": [
                {"name": name, "value": content.value, "type": content.type}
                for name, content in wanted.variables.items()
            ],
        }
        if wanted.docker_server:
            environment["dockerServer"] = {"computeType": cast("ComputeTypeType", wanted.docker_server)}
        return {
            "name": self.name,
            "description": "Made by sledge: change sledge.yaml instead",
            "source": self._source(wanted.buildspec),
            "artifacts": {"type": "NO_ARTIFACTS"},
            "cache": _cache(wanted.cache),
            "environment": environment,
            "serviceRole": wanted.role_arn,
            "timeoutInMinutes": wanted.timeout_minutes,
            "autoRetryLimit": wanted.auto_retries,
            "vpcConfig": {}
            if vpc is None
            else {"vpcId": vpc.id, "subnets": vpc.subnets, "securityGroupIds": vpc.security_groups},
            "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": names.log_group}},
        }

    def _source(self, buildspec: str) -> "ProjectSourceTypeDef":
        names, git = self.site.names, self.site.settings.source
        if git is None:
            return {"type": "S3", "location": f"{names.bucket}/{names.source_key}", "buildspec": buildspec}
        return {
            "type": cast("Any", git.source_type),
            "location": git.repository,
            "gitCloneDepth": git.clone_depth,
            "auth": {"type": "CODECONNECTIONS", "resource": self._connection_arn()},
            "buildspec": buildspec,
        }


def _cache(cache: KeptCache) -> "ProjectCacheTypeDef":
    request: ProjectCacheTypeDef = {"type": cache.type.value}
    if cache.location:
        request["location"] = cache.location
    if cache.modes:
        request["modes"] = cast("tuple[CacheModeType, ...]", cache.modes)
    return request
