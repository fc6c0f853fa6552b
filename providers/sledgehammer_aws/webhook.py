"""The webhook of a CodeBuild project: pushes to GitLab that start builds."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, ManualStep, Observed, Owner
from sledgehammer_aws.git_connection import AVAILABLE, GitConnection
from sledgehammer_aws.site import Site
from sledgehammer_aws.source_settings import Webhook, group_of

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import WebhookFilterTypeDef

FILTERS = "filter group"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectWebhook:
    """A part of its project, with the project's owner. GitLab's side of it AWS makes through the connection, which has
    to be complete first."""

    site: Site
    connection: GitConnection
    settings: Webhook | None
    kind: str = "aws_codebuild_webhook"

    @property
    def name(self) -> str:
        return self.site.names.project

    def desired(self) -> Attributes | None:
        return None if self.settings is None else {FILTERS: _text(self._groups)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        state = self.site.reader.project(self.name, anew=anew)
        webhook = None if state is None else state.answer.get("webhook")
        if state is None or webhook is None:
            return self._waiting()
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", state.tags)
        return Observed(attributes={FILTERS: _text(webhook.get("filterGroups", []))}, owner=owner)

    def _waiting(self) -> Observed | None:
        """None where it can be made now."""
        found = self.connection.find() if self.settings is not None else None
        if found is None or found.get("ConnectionStatus") == AVAILABLE:
            return None
        note = f"made once the connection {self.connection.name} is complete: apply again then"
        return Observed(attributes={}, owner=Owner.SLEDGE, manual=ManualStep(note=note))

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1

    def create(self) -> Collection[str]:
        """Not while the connection is pending, which it is in the very apply that has made it."""
        if self._waiting() is not None:
            return ()
        codebuild, groups = self.site.clients.codebuild, self._groups
        self.site.calls.send(
            f"codebuild:CreateWebhook {self.name}",
            lambda: codebuild.create_webhook(projectName=self.name, filterGroups=groups, buildType="BUILD"),
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        codebuild, groups = self.site.clients.codebuild, self._groups
        self.site.calls.send(
            f"codebuild:UpdateWebhook {self.name}",
            lambda: codebuild.update_webhook(
                projectName=self.name, filterGroups=groups, buildType="BUILD", rotateSecret=False
            ),
        )

    def delete(self) -> None:
        codebuild = self.site.clients.codebuild
        try:
            self.site.calls.send(
                f"codebuild:DeleteWebhook {self.name}", lambda: codebuild.delete_webhook(projectName=self.name)
            )
        except NotFoundError:
            return

    @property
    def _groups(self) -> "list[list[WebhookFilterTypeDef]]":
        pairs = group_of(self.settings) if self.settings is not None else []
        return [[{"type": cast("Any", kind), "pattern": pattern} for kind, pattern in pairs]]


def _text(groups: Any) -> str:
    """Filter groups as a person reads them: all of a group has to fit, one group is enough."""
    return " or ".join(
        " and ".join(
            f"{'not ' if one.get('excludeMatchedPattern') else ''}{one['type']} {one['pattern']}" for one in group
        )
        for group in groups
    )
