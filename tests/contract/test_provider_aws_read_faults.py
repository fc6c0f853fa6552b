"""Every read of the AWS provider meets every fault: in plans, applies and destructions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from aws_full_project import FIRST, LESS, SECOND, want
from aws_rehearsal import READS, BriskClock, LocalAws, Rehearsal, rehearse
from read_faults import (
    A_DAY_S,
    OFTEN,
    READ_FAULTS,
    RETRY_AFTER_S,
    Read,
    assert_told_in_one_error,
    error_of,
    failing_at_first,
    failing_for_good,
    load,
    met,
    record,
)

from sledgehammer.changes import Change
from sledgehammer_aws.client import POLICY
from sledgehammer_aws.shared_write import SETTLES_S

ONE_OF_EACH_PROTOCOL = ("", "DescribeRepositories", "DescribeLogGroups", "GetRole")
AT_ONCE = ("", "GetCallerIdentity", "GetAuthorizationToken")


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(cloud, tmp_path) as made:
        made.variables = {"NPM": "hunter2", "SLEDGE_FINGERPRINT_KEY": "key"}
        made.clock = BriskClock(longest_s=0)
        yield made


def is_read(one: Read) -> bool:
    return one.operation.startswith(READS) if one.operation else one.method in ("GET", "HEAD")


def live(aws: Rehearsal) -> list[Change]:
    """All reads there are: of applies that make, change and take away, and of a destruction. Gives what those did."""
    told: list[Change] = []
    for settings, strategy in ((FIRST, "auto"), (SECOND, "file"), (LESS, "file")):
        want(aws, settings)
        aws.strategy = strategy
        told += aws.apply()
        assert aws.plan().pending == ()
    told += aws.connect().destroy(on_change=lambda change: None).pending
    assert aws.connect().plan_destruction().pending == ()
    return told


def test_every_read_may_fail_at_first(aws: Rehearsal) -> None:
    """Each is sent again, no sooner than AWS asks, and all comes about as without."""
    live(aws)
    calm: list[Change] = []
    sent = record(aws.url, lambda: calm.extend(live(aws)), is_read=is_read)
    operations = [{"operation": name} for name in {one.operation for one in sent} - {""}]
    for fault in READ_FAULTS:
        aws.clock.slept.clear()
        load(aws.url, *failing_at_first(fault, [*operations, {"method": "GET"}, {"method": "HEAD"}]))
        assert live(aws) == calm
        assert met(aws.url) == sent
        waits = [seconds for seconds in aws.clock.slept if seconds != SETTLES_S]
        assert min(waits) >= (RETRY_AFTER_S if fault == "throttle" else 0)


def test_a_read_that_fails_for_good_ends_a_plan_with_one_error(aws: Rehearsal) -> None:
    """Whichever it is, in the plan of an apply and of a destruction; nothing of it is taken for absent. What a throttle
    and a lost connection end with depends on the protocol alone."""
    seen: set[Read] = set()
    for settings, strategy in ((FIRST, "auto"), (LESS, "file")):
        want(aws, settings)
        aws.strategy = strategy
        aws.apply()
        for plan in (aws.plan, lambda: aws.connect().plan_destruction()):
            for number, read in enumerate(record(aws.url, plan, is_read=is_read), start=1):
                if read in seen and read.operation != "ListTagsForResource":  # which several services have
                    continue
                seen.add(read)
                for fault in READ_FAULTS if read.operation in ONE_OF_EACH_PROTOCOL else ("error_before",):
                    tries = list(range(number, number + POLICY.attempts))
                    load(aws.url, {"fault": fault, "calls": tries, "retry_after_s": A_DAY_S})
                    assert_told_in_one_error(fault, error_of(plan))
        load(aws.url)


def test_an_apply_that_a_read_has_ended_is_finished_by_the_next(aws: Rehearsal) -> None:
    """Reads between writes fail for good one after the other: each apply comes as far as the next of them."""
    bucket = f"/{aws.bucket}?"
    for settings, between in (
        (FIRST, (f"{bucket}tagging", "GetRegistryScanningConfiguration", "DescribeSecret", "ListTargetsByRule")),
        (LESS, (f"{bucket}lifecycle", "ListConnections", "ListTargetsByRule")),
    ):
        want(aws, settings)
        aws.strategy = "file" if settings is LESS else "auto"
        for name in between:
            planned = [one.operation or one.path for one in record(aws.url, aws.plan, is_read=is_read)].count(name)
            read = Read(method="GET", path=name, operation="" if name.startswith(bucket) else name)
            load(aws.url, failing_for_good("error_before", read, calls=list(range(planned + 1, OFTEN))))
            assert_told_in_one_error("error_before", error_of(aws.apply))
        load(aws.url)
        aws.apply()
        assert aws.plan().pending == ()


def kinds(aws: Rehearsal) -> Counter[str]:
    """What a plan asks and how often, but for S3 and for who asks, which are never out of date."""
    sent = record(aws.url, aws.plan, is_read=is_read)
    return Counter(one.operation for one in sent if one.operation not in AT_ONCE)


def remember(aws: Rehearsal, operations: Iterable[str]) -> None:
    """Keep what a plan is told now by these, for answers that are out of date later."""
    load(aws.url, *({"fault": "stale", "operation": name, "calls": [OFTEN]} for name in operations))
    aws.plan()
    load(aws.url)


def test_what_is_out_of_date_doubles_nothing(aws: Rehearsal) -> None:
    """The reads of each kind in turn tell of the time before an object was there, or else before its last change: the
    apply that believes them leaves all as it shall be."""
    want(aws, FIRST)
    absent = set(kinds(aws))
    remember(aws, absent)
    aws.apply()
    remember(aws, set(kinds(aws)) - absent)
    want(aws, SECOND)
    aws.apply()
    for name, count in kinds(aws).items():
        load(aws.url, {"operation": name, "fault": "stale", "calls": list(range(1, count + 1))})
        aws.apply()
        assert len(met(aws.url)) == count
        load(aws.url)
        assert aws.plan().pending == ()
