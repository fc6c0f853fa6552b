"""The CloudWatch log group of a project's builds."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.managed import Attributes, check_owner, has_tags, owner_tags, tag_attributes
from sledgehammer_aws.settings import Settings

RETENTION = "retention days"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """Made before the first build, so that its retention holds from the first line."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    kind: str = "aws_log_group"

    @property
    def name(self) -> str:
        return self.names.log_group

    def desired(self) -> Attributes:
        tags = owner_tags(self.names.owner, self.settings.tags)
        return {**tag_attributes(tags, managed=tags), RETENTION: str(self.settings.log_retention_days)}

    def observe(self) -> Attributes | None:
        retention = self._find_retention()
        if retention is None:
            return None
        logs, arn = self.clients.logs, self.names.log_group_arn
        answer = self.calls.send(
            f"logs:ListTagsForResource {self.name}", lambda: logs.list_tags_for_resource(resourceArn=arn)
        )
        check_owner(self, answer["tags"], project=self.names.owner)
        managed = owner_tags(self.names.owner, self.settings.tags)
        return {**tag_attributes(answer["tags"], managed=managed), RETENTION: retention}

    def create(self) -> Collection[str]:
        logs, tags = self.clients.logs, dict(owner_tags(self.names.owner, self.settings.tags))
        self.calls.send(
            f"logs:CreateLogGroup {self.name}", lambda: logs.create_log_group(logGroupName=self.name, tags=tags)
        )
        return (RETENTION,)

    def update(self, attributes: Collection[str]) -> None:
        logs, arn = self.clients.logs, self.names.log_group_arn
        if has_tags(attributes):
            tags = dict(owner_tags(self.names.owner, self.settings.tags))
            self.calls.send(f"logs:TagResource {self.name}", lambda: logs.tag_resource(resourceArn=arn, tags=tags))
        if RETENTION in attributes:
            days = self.settings.log_retention_days
            self.calls.send(
                f"logs:PutRetentionPolicy {self.name}",
                lambda: logs.put_retention_policy(logGroupName=self.name, retentionInDays=days),
            )

    def _find_retention(self) -> str | None:
        """The group's retention in days, "" when it keeps logs for ever, None when there is no such group."""
        pages = self.clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self.name)
        groups = self.calls.send(
            f"logs:DescribeLogGroups {self.name}",
            lambda: [group for page in pages for group in page["logGroups"]],
        )
        for group in groups:
            if group.get("logGroupName") == self.name:
                return str(group.get("retentionInDays", ""))
        return None
