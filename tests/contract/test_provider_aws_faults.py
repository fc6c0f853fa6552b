"""The AWS provider against a local AWS that fails: it converges, and makes nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_rehearsal import LocalAws, Rehearsal, rehearse, serve

from sledgehammer.errors import RemoteError, TimedOutError

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

FAULTS = ("throttle", "error_before", "error_after", "reset_before", "reset_after")


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    with serve() as made:
        yield made


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(cloud, tmp_path) as made:
        yield made


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


def test_every_read_may_fail_once(aws: Rehearsal) -> None:
    """A plan survives a failure of each of its requests."""
    aws.apply()
    aws.inject({"fault": "error_before", "every": 2})
    assert aws.plan().pending == ()
    assert aws.injected() != []


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
