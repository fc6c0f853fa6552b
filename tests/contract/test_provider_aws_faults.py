"""The AWS provider against a local AWS that fails: it converges, and makes nothing twice."""

from collections import Counter
from dataclasses import replace

import pytest
from aws_rehearsal import Rehearsal
from call_faults import FAULTS

from sledgehammer.errors import RemoteError, SledgehammerError, TimedOutError
from sledgehammer_aws.setting_sections import GitLabJobs, Schedule, SecretSource
from sledgehammer_aws.source_settings import GitLabSource

BY_OPERATION = (
    "CreateRepository",
    "PutLifecyclePolicy",
    "CreateLogGroup",
    "PutRetentionPolicy",
    "CreateRole",
    "PutRolePolicy",
    "CreateProject",
)
"""Writes of a first apply by name; those of S3 are told by method and path."""


def every_write(aws: Rehearsal, fault: str) -> list[dict[str, object]]:
    """A rule per write of a first apply, each of which fails the first time."""
    puts = (f"^/{aws.bucket}/?$", "tagging", "publicAccessBlock", "versioning", "encryption", "source.zip")
    targets = [{"operation": name} for name in BY_OPERATION] + [{"method": "PUT", "path": path} for path in puts]
    return [{**target, "fault": fault, "calls": [1]} for target in targets]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_write_may_fail_once(aws: Rehearsal, fault: str) -> None:
    """Whatever happens to the first attempt of each write, one apply brings everything about."""
    rules = every_write(aws, fault)
    aws.inject(*rules)
    told = aws.apply()
    assert len(aws.injected()) == len(rules)
    aws.inject()
    assert aws.plan().pending == ()
    assert len(told) == len(aws.plan().changes)


def test_an_apply_that_is_cut_off_is_finished_by_the_next(aws: Rehearsal) -> None:
    """When one write keeps failing the apply ends with an error; the next does the rest and no more."""
    aws.inject({"operation": "CreateRole", "fault": "error_before"})
    with pytest.raises(RemoteError, match="iam:CreateRole"):
        aws.apply()
    aws.inject()
    aws.sent.clear()
    aws.apply()
    assert "CreateRepository" not in aws.writes
    assert aws.plan().pending == ()


def test_a_role_that_codebuild_has_not_heard_of_is_waited_for(aws: Rehearsal) -> None:
    """IAM tells everybody, but not at once: making and changing the project are tried for up to two minutes."""
    aws.inject({"operation": "CreateProject", "fault": "unknown_yet", "calls": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]})
    aws.apply()
    assert aws.injected() == ["CreateProject"] * 10
    aws.settings = replace(aws.settings, timeout_minutes=30)
    aws.inject({"operation": "UpdateProject", "fault": "unknown_yet", "calls": [1]})
    aws.apply()
    assert aws.injected() == ["UpdateProject"]
    assert aws.plan().pending == ()


def test_a_role_that_never_becomes_known_ends_the_apply(aws: Rehearsal) -> None:
    """The error says what CodeBuild said."""
    aws.inject({"operation": "CreateProject", "fault": "unknown_yet"})
    with pytest.raises(SledgehammerError, match="not authorized to perform: sts:AssumeRole"):
        aws.apply()


STALE_READS = (
    "DescribeRepositories",
    "DescribeLogGroups",
    "GetRole",
    "BatchGetProjects",
    "DescribeSecret",
    "DescribeRule",
    "GetOpenIDConnectProvider",
    "ListConnections",
)


def test_reads_that_are_late_make_nothing_twice(aws: Rehearsal) -> None:
    """A plan to which everything seems absent makes it again: each creation finds what is there and leaves it."""
    aws.settings = replace(
        aws.settings,
        secrets={"npm": SecretSource(from_env="NPM")},
        schedule=Schedule(expression="rate(1 day)"),
        gitlab_jobs=GitLabJobs(project="acme/web", url=f"https://{aws.name}.example"),
        source=GitLabSource(repository="https://gitlab.com/acme/web.git", connection=aws.name),
    )
    aws.variables = {"NPM": "hunter2", "SLEDGE_FINGERPRINT_KEY": "key"}
    aws.inject({"fault": "stale", "calls": [10_000]})
    aws.plan()
    read = Counter(aws.sent)
    aws.apply()
    aws.inject(
        *({"fault": "stale", "operation": name, "calls": list(range(1, read[name] + 1))} for name in STALE_READS)
    )
    told = aws.apply()
    assert {"aws_ecr_repository", "aws_iam_role", "aws_codebuild_project", "aws_codeconnection"} <= {
        change.kind for change in told
    }
    assert set(aws.injected()) == set(STALE_READS)
    aws.inject()
    plan = aws.plan()
    assert plan.pending == ()
    connections = aws.client("codeconnections").list_connections()["Connections"]
    assert [one["ConnectionName"] for one in connections].count(aws.name) == 1


def test_a_throttle_is_waited_out_as_long_as_asked(aws: Rehearsal) -> None:
    """Retry-After bounds the wait from below."""
    aws.inject({"operation": "CreateRepository", "fault": "throttle", "calls": [1], "retry_after_s": 9})
    aws.apply()
    assert max(aws.clock.slept) >= 9


def test_a_throttle_of_a_day_ends_the_apply(aws: Rehearsal) -> None:
    """Nobody waits for that: the error says when to resume."""
    aws.inject({"operation": "CreateRepository", "fault": "throttle", "retry_after_s": 86400})
    with pytest.raises(TimedOutError, match="resume after"):
        aws.apply()
