"""CodeBuild's projects: kept whole, as the requests had them, with the defaults the service fills in.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html
"""

import threading
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime

from sledgehammer_localstack.aws.cloud import Cloud
from sledgehammer_localstack.aws.codebuild.buildspec_source import is_inline
from sledgehammer_localstack.aws.codebuild.paging import page
from sledgehammer_localstack.aws.codebuild.s3_cache import forget_caches, place_of
from sledgehammer_localstack.aws.refusal import AwsError, invalid_input, not_found
from sledgehammer_localstack.aws.services import Caller, Document, Handler

DEFAULT_TIMEOUT_MINUTES = 60
DEFAULT_QUEUED_TIMEOUT_MINUTES = 480
_LOCATED = {"S3", "GITHUB", "GITLAB", "GITLAB_SELF_MANAGED", "BITBUCKET"}
_SORT_KEYS = {"CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}


class Projects:
    """The account's projects; all methods may be called from several threads. `forget_layers` drops what builds of a
    project have kept on this host."""

    def __init__(self, cloud: Cloud, *, region: str, account: str, forget_layers: Callable[[str], None]) -> None:
        self._cloud = cloud
        self._forget_layers = forget_layers
        self._arn_prefix = f"arn:aws:codebuild:{region}:{account}:project/"
        self._default_key = f"arn:aws:kms:{region}:{account}:alias/aws/s3"
        self._projects: dict[str, Document] = {}
        self._lock = threading.RLock()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations on projects."""
        return {
            "CreateProject": self._create,
            "UpdateProject": self._update,
            "DeleteProject": self._delete,
            "BatchGetProjects": self._batch_get,
            "ListProjects": self._list,
            "InvalidateProjectCache": self._invalidate_cache,
        }

    def get(self, name: str) -> Document:
        """A copy of a project, by name or ARN. Raises AwsError (ResourceNotFoundException)."""
        with self._lock:
            key = name.removeprefix(self._arn_prefix)
            if key not in self._projects:
                raise not_found(f"Project cannot be found: {self._arn_prefix}{key}")
            return deepcopy(self._projects[key])

    def tagged(self) -> dict[str, dict[str, str]]:
        """ARN to tags of all projects."""
        with self._lock:
            return {one["arn"]: {tag["key"]: tag["value"] for tag in one["tags"]} for one in self._projects.values()}

    def set_webhook(self, name: str, webhook: Document | None) -> None:
        """Give a project this webhook, or none."""
        with self._lock:
            if webhook is None:
                self._projects[name].pop("webhook", None)
            else:
                self._projects[name]["webhook"] = deepcopy(webhook)

    def check_role(self, role_arn: str, *, project: str) -> None:
        """Refuse a role that CodeBuild could not assume for a project, in CodeBuild's words."""
        if reason := self._cloud.trust_refusal(role_arn, project_arn=self._arn_prefix + project):
            words = f"CodeBuild is not authorized to perform: sts:AssumeRole on service role: {role_arn}."
            raise invalid_input(f"{words} Please verify that the role exists and trusts CodeBuild: {reason}")

    def _create(self, _caller: Caller, request: Document) -> Document:
        self._check(request)
        with self._lock:
            name = request["name"]
            if name in self._projects:
                raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {self._arn_prefix}{name}")
            now = datetime.now(UTC)
            project = {"arn": self._arn_prefix + name, "created": now, **self._defaults(), **_stored(request, {})}
            project["lastModified"] = now
            self._projects[name] = project
            return {"project": deepcopy(project)}

    def _update(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            current = self.get(request["name"])
            request = {**request, "name": current["name"]}
            changed = {**current, **_stored(request, current), "lastModified": datetime.now(UTC)}
            self._check(changed)
            if request.get("concurrentBuildLimit") == -1:
                del changed["concurrentBuildLimit"]  # -1 takes the limit away (UpdateProject reference)
            self._projects[current["name"]] = changed
            return {"project": deepcopy(changed)}

    def _delete(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            gone = self._projects.pop(request["name"].removeprefix(self._arn_prefix), None)
        if gone is not None:
            self._forget_layers(gone["name"])
        return {}

    def _batch_get(self, _caller: Caller, request: Document) -> Document:
        found, missing = [], []
        for name in dict.fromkeys(request["names"]):
            try:
                found.append(self.get(name))
            except AwsError:
                missing.append(name)
        return {"projects": found, "projectsNotFound": missing}

    def _list(self, _caller: Caller, request: Document) -> Document:
        by = request.get("sortBy", "NAME")
        with self._lock:
            projects = sorted(self._projects.values(), key=lambda p: p[_SORT_KEYS.get(by, "name")])
        names = [str(project["name"]) for project in projects]
        if request.get("sortOrder") == "DESCENDING":
            names.reverse()
        return page(names, request, member="projects")

    def _invalidate_cache(self, _caller: Caller, request: Document) -> Document:
        """The next build starts without a cache; an unknown project is an error."""
        project = self.get(request["projectName"])
        if project["cache"]["type"] == "S3":
            forget_caches(self._cloud.itself, place_of(project["cache"], project["name"]))
        self._forget_layers(project["name"])
        return {}

    def _defaults(self) -> Document:
        return {
            "timeoutInMinutes": DEFAULT_TIMEOUT_MINUTES,
            "queuedTimeoutInMinutes": DEFAULT_QUEUED_TIMEOUT_MINUTES,
            "encryptionKey": self._default_key,
            "cache": {"type": "NO_CACHE"},
            "badge": {"badgeEnabled": False},
            "tags": [],
            "projectVisibility": "PRIVATE",
        }

    def _check(self, project: Document) -> None:
        source = project["source"]
        if source["type"] == "NO_SOURCE" and not is_inline(source.get("buildspec", "")):
            raise invalid_input("Project source type NO_SOURCE requires an inline buildspec")
        if source["type"] in _LOCATED and not source.get("location"):
            raise invalid_input(f"Project source location is required for source type {source['type']}")
        artifacts = project["artifacts"]
        if artifacts["type"] == "S3" and not artifacts.get("location"):
            raise invalid_input("Project artifacts location is required for artifacts type S3")
        if project.get("cache", {}).get("type") == "S3" and not project["cache"].get("location"):
            raise invalid_input("Project cache location is required for cache type S3")
        if len(project.get("tags", [])) > 50:
            raise invalid_input("a project has at most 50 tags")
        if project.get("concurrentBuildLimit", 1) == 0:
            raise invalid_input("concurrentBuildLimit must be greater than 0")
        self.check_role(project["serviceRole"], project=project["name"])


def _stored(request: Document, current: Document) -> Document:
    """A request's members as a project has them: the badge is a structure there, an environment has its lists."""
    stored = deepcopy({name: value for name, value in request.items() if name != "badgeEnabled"})
    if "badgeEnabled" in request:
        stored["badge"] = {"badgeEnabled": request["badgeEnabled"]}
    environment = stored.get("environment", current.get("environment"))
    if environment is not None:
        defaults = {"environmentVariables": [], "privilegedMode": False, "imagePullCredentialsType": "CODEBUILD"}
        stored["environment"] = {**defaults, **environment}
    return stored
