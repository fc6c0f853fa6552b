"""A local AWS account for contract tests: clients of it, a role, projects of one's own name, builds followed."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack.aws.endpoint import AwsEndpoint
from sledgehammer_localstack.aws.settings import AwsSettings

REGION = "eu-central-1"
ACCOUNT = "123456789012"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_NUMBERS = itertools.count(1)


@dataclass(kw_only=True)
class Account:
    """One endpoint and what a test does with it; `clock_s` is what idempotency tokens are measured by."""

    endpoint: AwsEndpoint
    clock_s: list[float]
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client that never retries."""
        if service not in self._clients:
            self._clients[service] = self.make_client(service)
        return self._clients[service]

    def make_client(self, service: str, *, region: str = REGION, attempts: int = 1) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self.endpoint.url,
            aws_access_key_id="AKIATEST",
            aws_secret_access_key="secret",
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts}, s3={"addressing_style": "path"}
            ),
        )

    def new_name(self) -> str:
        return f"project-{next(_NUMBERS)}"

    def make_role(self, name: str, trust: Mapping[str, object] = TRUST, *, policy: object = EVERYTHING) -> str:
        """A role that may do what `policy` says."""
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=json.dumps(policy))
        return str(role["Role"]["Arn"])

    def make_project(self, buildspec: str, **settings: Any) -> str:
        """A project with a role of its own; gives its name."""
        name = self.new_name()
        self.client("codebuild").create_project(**project(name, buildspec, self.make_role(name)) | settings)
        return name

    def start(self, name: str, **overrides: Any) -> str:
        return str(self.client("codebuild").start_build(projectName=name, **overrides)["build"]["id"])

    def build(self, build_id: str) -> Any:
        return self.client("codebuild").batch_get_builds(ids=[build_id])["builds"][0]

    def wait(self, build_id: str, until: Callable[[Any], bool] = lambda build: build["buildComplete"]) -> Any:
        return poll_until(
            lambda: self.build(build_id),
            what=build_id,
            is_final=until,
            interval_s=0.05,
            deadline_s=30,
            clock=SystemClock(),
        )

    def run(self, buildspec: str, **settings: Any) -> Any:
        """A project's first build, to its end."""
        return self.wait(self.start(self.make_project(buildspec, **settings)))

    def log(self, build: Any) -> str:
        page = self.client("logs").get_log_events(
            logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True
        )
        return "".join(event["message"] for event in page["events"])


@contextmanager
def fresh_account(settings: AwsSettings | None = None) -> Iterator[Account]:
    """An empty account."""
    clock_s = [0.0]
    chosen = settings or AwsSettings(builds_at_once=4)
    with AwsEndpoint(chosen, monotonic=lambda: clock_s[0]) as endpoint:
        account = Account(endpoint=endpoint, clock_s=clock_s)
        yield account
        for client in account._clients.values():
            client.close()


def project(name: str, buildspec: str, role: str) -> dict[str, Any]:
    """The least that CreateProject takes."""
    return {
        "name": name,
        "source": {"type": "NO_SOURCE", "buildspec": buildspec},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        "serviceRole": role,
    }


def spec(*commands: str, more: str = "") -> str:
    """A buildspec whose BUILD phase has these commands."""
    return f"version: 0.2\nphases:\n  build:\n    commands: {json.dumps(commands)}\n{more}"


def phases_of(build: Any) -> dict[str, str]:
    """Phase to status; COMPLETED has none."""
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def context_of(build: Any, phase: str) -> tuple[str, str]:
    [found] = [one["contexts"][0] for one in build["phases"] if one["phaseType"] == phase]
    return found["statusCode"], found["message"]


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """The call within is refused with this error code and these words."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code
    for word in words:
        assert word in caught.value.response["Error"]["Message"]


def names(items: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(item["name"]) for item in items]
