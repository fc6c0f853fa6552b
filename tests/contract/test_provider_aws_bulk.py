"""Plans over many projects of one account read it in lists."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aws_rehearsal import READS, BriskClock, LocalAws, Rehearsal, rehearse
from read_faults import (
    OFTEN,
    READ_FAULTS,
    Read,
    assert_told_in_one_error,
    error_of,
    failing_at_first,
    load,
    met,
    record,
)

from sledgehammer.changes import Change, ChangeSet
from sledgehammer.errors import ConfigurationError, RemoteError
from sledgehammer_aws.account import read_account
from sledgehammer_aws.bulk_planning import plan_in_bulk
from sledgehammer_aws.bulk_reader import BulkReader
from sledgehammer_aws.client import POLICY, Calls
from sledgehammer_aws.git_connection import GitConnection
from sledgehammer_aws.source_settings import GitLabSource

FLEET = 8


@pytest.fixture(scope="module")
def fleet(cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Rehearsal]]:
    """Applied projects that share a bucket, with a cache of some project in it."""
    with ExitStack() as stack:
        made = [stack.enter_context(rehearse(cloud, tmp_path_factory.mktemp("fleet"))) for _ in range(FLEET)]
        for one in made:
            one.settings = replace(one.settings, bucket="sledge-fleet")
            one.clock = BriskClock(longest_s=0)
            one.apply()
        made[0].client("s3").put_object(Bucket="sledge-fleet", Key="_cache/x/y", Body=b"cache")
        yield made


def plan_all(fleet: list[Rehearsal]) -> list[ChangeSet]:
    clients, calls = fleet[0].aws.clients, Calls(clock=fleet[0].clock)
    reader = BulkReader(
        clients=clients,
        calls=calls,
        account=read_account(clients, calls),
        projects=[one.name for one in fleet],
    )
    return [replace(one.connect(), reader=reader).plan() for one in fleet]


def count(fleet: list[Rehearsal]) -> int:
    """Requests of a plan over these."""
    fleet[0].sent.clear()
    assert [change for changes in plan_all(fleet) for change in changes.pending] == []
    return len(fleet[0].sent)


def test_one_request_more_for_each_project(fleet: list[Rehearsal]) -> None:
    """Only the lifecycle policy of a cache cannot be had in a list; everything else is a few requests for all."""
    few, many = count(fleet[:2]), count(fleet)
    assert many - few == FLEET - 2
    assert few - 2 <= 16
    assert "HeadObject" not in fleet[0].sent


def test_what_a_list_shows_is_what_single_reads_show(fleet: list[Rehearsal]) -> None:
    """The two ways of reading see the same differences, down to the attribute."""
    first, second, third = fleet[:3]
    first.client("ecr").delete_lifecycle_policy(repositoryName=f"{first.name}-cache")
    first.client("iam").delete_role_policy(RoleName=first.role, PolicyName="sledgehammer")
    second.client("logs").delete_retention_policy(logGroupName=second.log_group)
    second.client("s3").delete_object(Bucket="sledge-fleet", Key=f"{second.name}/source.zip")
    third.commit("main.py")
    third.client("codebuild").delete_project(name=third.name)
    third.client("logs").delete_log_group(logGroupName=third.log_group)
    third.client("ecr").delete_repository(repositoryName=third.name)
    shown = [changes.changes for changes in plan_all(fleet)]
    assert shown == [one.plan().changes for one in fleet]
    assert [len(changes.pending) for changes in plan_all(fleet)[:4]] == [2, 2, 4, 0]
    for one in fleet[:3]:
        one.apply()
    assert [change for changes in plan_all(fleet) for change in changes.pending] == []


def test_plans_in_bulk_are_those_of_each(fleet: list[Rehearsal]) -> None:
    """In their order; one that cannot be planned has its error beside the others' plans."""
    long = replace(fleet[1].connect(), settings=replace(fleet[1].settings, role="r" * 65))
    connections = [fleet[0].connect(), long, fleet[2].connect()]
    fleet[0].sent.clear()
    first, second, third = plan_in_bulk(connections)
    assert [first, third] == [fleet[0].plan(), fleet[2].plan()]
    assert isinstance(second, ConfigurationError)


def test_a_list_that_cannot_be_had_is_asked_for_by_one_plan(fleet: list[Rehearsal]) -> None:
    """Every plan has the error."""
    load(fleet[0].url, {"fault": "error_before", "operation": "DescribeRepositories"})
    fleet[0].sent.clear()
    plans = plan_in_bulk(one.connect() for one in fleet)
    load(fleet[0].url)
    assert all(isinstance(plan, RemoteError) for plan in plans)
    assert fleet[0].sent.count("DescribeRepositories") == POLICY.attempts


def test_tags_that_the_tagging_service_has_not_heard_of_yet_are_read_at_their_source(
    fleet: list[Rehearsal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told late: an object of ours is not taken for somebody else's meanwhile."""
    monkeypatch.setattr("sledgehammer_aws.bulk_reader.read_tagged", lambda *_: {})
    fleet[0].client("ecr").delete_lifecycle_policy(repositoryName=f"{fleet[0].name}-cache")
    assert len(plan_all(fleet[:1])[0].pending) == 1
    fleet[0].apply()


def test_a_plan_before_the_first_apply_makes_the_bucket_too(cloud: LocalAws, tmp_path: Path) -> None:
    """A bucket that is not there yet holds no source archive."""
    with rehearse(cloud, tmp_path) as new:
        (changes,) = plan_all([new])
        assert changes.changes == new.plan().changes
        assert {"aws_s3_bucket", "aws_s3_object"} <= {change.kind for change in changes.pending}


def is_read(one: Read) -> bool:
    return one.operation.startswith(READS) if one.operation else one.method in ("GET", "HEAD")


def test_plans_over_many_are_the_same_whatever_happens_to_a_read(
    fleet: list[Rehearsal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read fails once, every page of a list too: such a page is asked for again, and the others are not."""
    url, two = fleet[0].url, fleet[:2]
    calm = plan_all(two)
    for constant in ("bulk_reader.MOST", "bulk_reader.PROJECTS_PER_CALL", "single_reader.ARNS_PER_PAGE"):
        monkeypatch.setattr(f"sledgehammer_aws.{constant}", 4)
    sent = record(url, lambda: plan_all(two), is_read=is_read)
    assert [one.operation for one in sent].count("GetResources") > POLICY.attempts
    for fault in READ_FAULTS:
        load(url, *failing_at_first(fault, [{}]))
        assert plan_all(two) == calm
        assert met(url) == sent


def test_a_read_that_fails_for_good_ends_plans_over_many_with_one_error(fleet: list[Rehearsal]) -> None:
    """Whichever it is; nothing of it is taken for absent."""
    url, two = fleet[0].url, fleet[:2]
    for number, _ in enumerate(record(url, lambda: plan_all(two), is_read=is_read), start=1):
        load(url, {"fault": "error_before", "calls": list(range(number, number + POLICY.attempts))})
        assert_told_in_one_error("error_before", error_of(lambda: plan_all(two)))


def test_plans_over_many_that_are_out_of_date_mislead_no_apply(fleet: list[Rehearsal]) -> None:
    """Each kind of list in turn tells of the time before the last apply, and the plan shows that; an apply reads for
    itself."""
    one, url = fleet[0], fleet[0].url
    load(url, {"fault": "stale", "calls": [OFTEN]})
    one.client("ecr").delete_lifecycle_policy(repositoryName=f"{one.name}-cache")
    one.client("logs").delete_retention_policy(logGroupName=one.log_group)
    one.client("iam").delete_role_policy(RoleName=one.role, PolicyName="sledgehammer")
    one.client("codebuild").delete_project(name=one.name)
    before = plan_all([one])[0].pending
    load(url)
    one.apply()
    told: list[Change] = []
    for name in ("DescribeLogGroups", "GetAccountAuthorizationDetails", "BatchGetProjects", "GetLifecyclePolicy"):
        load(url, {"fault": "stale", "operation": name, "calls": [1]})
        told += plan_all([one])[0].pending
        load(url)
    assert set(told) == set(before)
    one.sent.clear()
    one.apply()
    assert one.writes == []


def test_projects_that_are_applied_at_once_share_the_registrys_configuration(fleet: list[Rehearsal]) -> None:
    """Each changes it: all filters are in it in the end."""
    ecr, before = fleet[0].client("ecr"), [one.settings for one in fleet]
    for one in fleet:
        one.settings = replace(one.settings, scan_on_push=True)
    with ThreadPoolExecutor(FLEET) as pool:
        list(pool.map(Rehearsal.apply, fleet))
    (rule,) = ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"]
    assert {one["filter"] for one in rule["repositoryFilters"]} == {f"{one.name}*" for one in fleet}
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[])
    for one, settings in zip(fleet, before, strict=True):
        one.settings = settings


def test_a_connection_that_many_projects_make_at_once_is_made_once(fleet: list[Rehearsal]) -> None:
    """AWS would take each: they look for it before, one after the other."""
    source = GitLabSource(repository="https://gitlab.com/acme/web.git", connection="fleet")
    start = threading.Barrier(FLEET)

    def make(one: Rehearsal) -> None:
        connection = GitConnection(site=one.connect().site, source=source)
        start.wait()
        connection.create()

    with ThreadPoolExecutor(FLEET) as pool:
        list(pool.map(make, fleet))
    connections = fleet[0].client("codeconnections").list_connections()["Connections"]
    assert [one["ConnectionName"] for one in connections] == ["fleet"]
