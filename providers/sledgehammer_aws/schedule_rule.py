"""The EventBridge rule that starts builds by the clock."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.account import Names
from sledgehammer_aws.destination import BRANCH_VARIABLE, COMMIT_VARIABLE
from sledgehammer_aws.managed import as_list, has_tags
from sledgehammer_aws.policy import Permission, statements_document
from sledgehammer_aws.setting_sections import Schedule
from sledgehammer_aws.site import Site

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

T = TypeVar("T")

TARGET = "build"
EXPRESSION = "expression"
STATE = "state"
STARTS = "starts"
ENABLED: Final = "ENABLED"


def schedule_trust(names: Names, rule: str) -> str:
    """EventBridge may take the role, on behalf of this one rule."""
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": names.account.id,
                "aws:SourceArn": names.account.arn("events", f"rule/{rule}"),
            },
        },
    }
    return statements_document([statement])


def schedule_permissions(names: Names) -> tuple[Permission, ...]:
    """To start a build of this one project."""
    return (
        Permission(
            sid="Start", reason="the schedule", actions=("codebuild:StartBuild",), resources=(names.project_arn,)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRule:
    """Its builds are of the archive and the commit that were applied last, for the rule knows no git."""

    site: Site
    settings: Schedule
    name: str
    role_arn: str
    commit: str
    branch: str
    kind: str = "aws_events_rule"

    @property
    def _events(self) -> "EventBridgeClient":
        return self.site.clients.events

    @property
    def _input(self) -> str:
        variables = {COMMIT_VARIABLE: self.commit, BRANCH_VARIABLE: self.branch}
        overrides = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
        cloned = {"sourceVersion": self.commit} if self.site.settings.source is not None else {}
        return json.dumps({"environmentVariablesOverride": overrides, **cloned}, sort_keys=True)

    def desired(self) -> Attributes | None:
        target = _target_text(self.site.names.project_arn, self.role_arn, self._input)
        return {
            **self.site.wanted_tags(),
            EXPRESSION: self.settings.expression,
            STATE: ENABLED,
            STARTS: target,
        }

    def observe(self, *, anew: bool = False) -> Observed | None:
        events = self._events
        try:
            rule = self._send("DescribeRule", lambda: events.describe_rule(Name=self.name))
        except NotFoundError:
            return None
        arn = rule["Arn"]
        listed = self._send("ListTagsForResource", lambda: events.list_tags_for_resource(ResourceARN=arn))
        tags = {tag["Key"]: tag["Value"] for tag in listed["Tags"]}
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", tags)
        targets = self._send("ListTargetsByRule", lambda: events.list_targets_by_rule(Rule=self.name))["Targets"]
        texts = [_target_text(one["Arn"], one.get("RoleArn", ""), one.get("Input", "")) for one in targets]
        return Observed(
            attributes={
                **self.site.found_tags(tags, owner),
                EXPRESSION: rule.get("ScheduleExpression", ""),
                STATE: rule.get("State", ""),
                STARTS: "; ".join(texts),
            },
            owner=owner,
        )

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return {Action.CREATE: 2, Action.DELETE: 3}.get(action, len(attributes))

    def create(self) -> Collection[str]:
        self._put_rule(tags=self.site.tags)
        return (STARTS,)

    def update(self, attributes: Collection[str]) -> None:
        if {EXPRESSION, STATE} & set(attributes):
            self._put_rule(tags={})
        if STARTS in attributes:
            self._put_target()
        if has_tags(attributes):
            self._tag(self.site.tags)

    def mark(self) -> None:
        self._tag(self.site.marks)

    def delete(self) -> None:
        """A rule goes without its targets only."""
        events = self._events
        try:
            self._remove_targets(keep="")
            self._send("DeleteRule", lambda: events.delete_rule(Name=self.name))
        except NotFoundError:
            return

    def _put_rule(self, *, tags: Mapping[str, str]) -> None:
        """PutRule takes tags of a new rule only."""
        events, more = self._events, {"Tags": as_list(tags)} if tags else {}
        self._send(
            "PutRule",
            lambda: events.put_rule(
                Name=self.name,
                ScheduleExpression=self.settings.expression,
                State=ENABLED,
                Description=f"Builds of {self.site.names.project}, by sledge",
                **more,  # type: ignore[arg-type]
            ),
        )

    def _put_target(self) -> None:
        events = self._events
        self._remove_targets(keep=TARGET)
        self._send(
            "PutTargets",
            lambda: events.put_targets(
                Rule=self.name,
                Targets=[
                    {
                        "Id": TARGET,
                        "Arn": self.site.names.project_arn,
                        "RoleArn": self.role_arn,
                        "Input": self._input,
                    }
                ],
            ),
        )

    def _remove_targets(self, *, keep: str) -> None:
        events = self._events
        targets = self._send("ListTargetsByRule", lambda: events.list_targets_by_rule(Rule=self.name))["Targets"]
        ids = [one["Id"] for one in targets if one["Id"] != keep]
        if ids:
            self._send("RemoveTargets", lambda: events.remove_targets(Rule=self.name, Ids=ids))

    def _tag(self, tags: Mapping[str, str]) -> None:
        events, arn = self._events, self.site.names.account.arn("events", f"rule/{self.name}")
        self._send("TagResource", lambda: events.tag_resource(ResourceARN=arn, Tags=as_list(tags)))

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.site.calls.send(f"events:{operation} {self.name}", request)


def _target_text(arn: str, role_arn: str, given: str) -> str:
    return f"{arn} as {role_arn} with {given}"
