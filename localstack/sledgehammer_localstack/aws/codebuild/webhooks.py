"""Webhooks of CodeBuild projects: kept and given back. Nothing here starts a build by them.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateWebhook.html
"""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime

from sledgehammer_localstack.aws.codebuild.projects import Projects
from sledgehammer_localstack.aws.refusal import AwsError, invalid_input, not_found
from sledgehammer_localstack.aws.services import Caller, Document, Handler

_HOOKED = {"GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"}
_CHANGED = ("branchFilter", "filterGroups", "buildType")


class Webhooks:
    """At most one for each project. `is_available` says whether a connection can be used."""

    def __init__(self, projects: Projects, *, is_available: Callable[[str], bool]) -> None:
        self._projects = projects
        self._is_available = is_available

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations on webhooks."""
        return {"CreateWebhook": self._create, "UpdateWebhook": self._update, "DeleteWebhook": self._delete}

    def _create(self, _caller: Caller, request: Document) -> Document:
        project = self._projects.get(request["projectName"])
        if "webhook" in project:
            raise AwsError("ResourceAlreadyExistsException", f"Webhook already exists for project {project['name']}")
        source = project["source"]
        if source["type"] not in _HOOKED:
            raise invalid_input(f"Webhooks are not supported for source type {source['type']}")
        connection = source.get("auth", {}).get("resource", "")
        if connection and not self._is_available(connection):
            raise invalid_input(f"Failed to call {source['type']}, reason: Access denied to connection {connection}")
        webhook = {
            "url": f"{source['location']}/-/hooks",
            **_given(request),
            "lastModifiedSecret": datetime.now(UTC),
            "status": "ACTIVE",
        }
        self._projects.set_webhook(project["name"], webhook)
        return {"webhook": webhook}

    def _update(self, _caller: Caller, request: Document) -> Document:
        project = self._projects.get(request["projectName"])
        if "webhook" not in project:
            raise not_found(f"Project {project['name']} has no webhook")
        webhook = {**project["webhook"], **_given(request)}
        self._projects.set_webhook(project["name"], webhook)
        return {"webhook": webhook}

    def _delete(self, _caller: Caller, request: Document) -> Document:
        project = self._projects.get(request["projectName"])
        if "webhook" not in project:
            raise not_found(f"Project {project['name']} has no webhook")
        self._projects.set_webhook(project["name"], None)
        return {}


def _given(request: Document) -> Document:
    return deepcopy({name: request[name] for name in _CHANGED if name in request})
