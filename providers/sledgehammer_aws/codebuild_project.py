"""The CodeBuild project."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sledgehammer_aws.account import Names
from sledgehammer_aws.build_project import BuildProject, attributes_of, desired_project, observed_project
from sledgehammer_aws.client import PROPAGATION_POLICY, Calls, Clients
from sledgehammer_aws.kept_cache import KeptCache
from sledgehammer_aws.managed import Attributes, check_owner, has_tags, owner_tags, tag_attributes
from sledgehammer_aws.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_codebuild.literals import CacheModeType, ComputeTypeType
    from mypy_boto3_codebuild.type_defs import (
        ProjectCacheTypeDef,
        ProjectEnvironmentTypeDef,
        ProjectTypeDef,
        UpdateProjectInputTypeDef,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBuildProject:
    """Its role may be seconds old, so making and changing it waits for IAM to tell everybody."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    buildspec: str
    strategy: str  # of the layer cache
    kind: str = "aws_codebuild_project"

    @property
    def name(self) -> str:
        return self.names.project

    @property
    def _wanted(self) -> BuildProject:
        return desired_project(self.names, self.settings, self.buildspec, strategy=self.strategy)

    @property
    def _tags(self) -> Mapping[str, str]:
        return owner_tags(self.names.owner, self.settings.tags)

    def desired(self) -> Attributes:
        wanted = attributes_of(self._wanted)
        return {**tag_attributes(self._tags, managed=self._tags), **wanted}

    def observe(self) -> Attributes | None:
        answer = self._read()
        if answer is None:
            return None
        tags = _tags_of(answer)
        check_owner(self, tags, project=self.names.owner)
        return {**tag_attributes(tags, managed=self._tags), **attributes_of(observed_project(answer))}

    def create(self) -> Collection[str]:
        codebuild, request = self.clients.codebuild, self._request()
        request["tags"] = [{"key": key, "value": value} for key, value in self._tags.items()]
        self.calls.send(
            f"codebuild:CreateProject {self.name}",
            lambda: codebuild.create_project(**request),
            policy=PROPAGATION_POLICY,
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """UpdateProject leaves alone what it is not given, and replaces lists, tags among them, as a whole."""
        codebuild, request = self.clients.codebuild, self._request()
        if has_tags(attributes):
            answer = self._read()
            tags = {**(_tags_of(answer) if answer is not None else {}), **self._tags}
            request["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        self.calls.send(
            f"codebuild:UpdateProject {self.name}",
            lambda: codebuild.update_project(**request),
            policy=PROPAGATION_POLICY,
        )

    def _read(self) -> "ProjectTypeDef | None":
        codebuild = self.clients.codebuild
        found = self.calls.send(
            f"codebuild:BatchGetProjects {self.name}", lambda: codebuild.batch_get_projects(names=[self.name])
        )
        return found["projects"][0] if found["projects"] else None

    def _request(self) -> "UpdateProjectInputTypeDef":
        wanted = self._wanted
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
            "source": {
                "type": "S3",
                "location": f"{self.names.bucket}/{self.names.source_key}",
                "buildspec": wanted.buildspec,
            },
            "artifacts": {"type": "NO_ARTIFACTS"},
            "cache": _cache(wanted.cache),
            "environment": environment,
            "serviceRole": wanted.role_arn,
            "timeoutInMinutes": wanted.timeout_minutes,
            "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": self.names.log_group}},
        }


def _cache(cache: KeptCache) -> "ProjectCacheTypeDef":
    request: ProjectCacheTypeDef = {"type": cache.type.value}
    if cache.location:
        request["location"] = cache.location
    if cache.modes:
        request["modes"] = cast("tuple[CacheModeType, ...]", cache.modes)
    return request


def _tags_of(answer: "ProjectTypeDef") -> Mapping[str, str]:
    return {tag["key"]: tag["value"] for tag in answer.get("tags", []) if "key" in tag and "value" in tag}
