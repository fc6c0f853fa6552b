"""The CloudWatch log group of a project's builds."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.managed import has_tags
from sledgehammer_aws.site import Site
from sledgehammer_aws.states import Tags

RETENTION = "retention days"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """Made before the first build, so that its retention holds from the first line."""

    site: Site
    name: str
    kind: str = "aws_log_group"

    def desired(self) -> Attributes | None:
        retention = {RETENTION: str(self.site.settings.log_retention_days)}
        return {**self.site.wanted_tags(), **retention}

    def observe(self, *, anew: bool = False) -> Observed | None:
        state = self.site.reader.log_group(self.name, anew=anew)
        if state is None:
            return None
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", state.tags)
        tags = self.site.found_tags(state.tags, owner)
        return Observed(attributes={**tags, RETENTION: state.retention_days}, owner=owner)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return {Action.CREATE: 2, Action.DELETE: 1}.get(action, has_tags(attributes) + (RETENTION in attributes))

    def create(self) -> Collection[str]:
        logs, tags = self.site.clients.logs, dict(self.site.tags)
        self.site.calls.send(
            f"logs:CreateLogGroup {self.name}", lambda: logs.create_log_group(logGroupName=self.name, tags=tags)
        )
        return (RETENTION,)

    def update(self, attributes: Collection[str]) -> None:
        logs = self.site.clients.logs
        if has_tags(attributes):
            self._tag(self.site.tags)
        if RETENTION in attributes:
            days = self.site.settings.log_retention_days
            self.site.calls.send(
                f"logs:PutRetentionPolicy {self.name}",
                lambda: logs.put_retention_policy(logGroupName=self.name, retentionInDays=days),
            )

    def mark(self) -> None:
        self._tag(self.site.marks)

    def delete(self) -> None:
        logs = self.site.clients.logs
        try:
            self.site.calls.send(
                f"logs:DeleteLogGroup {self.name}", lambda: logs.delete_log_group(logGroupName=self.name)
            )
        except NotFoundError:
            return

    def _tag(self, tags: Tags) -> None:
        logs, arn = self.site.clients.logs, self.site.names.account.arn("logs", f"log-group:{self.name}")
        self.site.calls.send(
            f"logs:TagResource {self.name}", lambda: logs.tag_resource(resourceArn=arn, tags=dict(tags))
        )
