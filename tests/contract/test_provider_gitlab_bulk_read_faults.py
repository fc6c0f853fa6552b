"""Every read of plans for many projects meets every fault: lists of groups, GraphQL, and what REST tells besides."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab_fleet_plans import FULL, SECRET, member, plans
from gitlab_rehearsal import GRAPHQL, Recorder, Rehearsal, rehearse
from read_faults import (
    OFTEN,
    READ_FAULTS,
    Read,
    assert_told_in_one_error,
    error_of,
    failing_at_first,
    failing_for_good,
    load,
    met,
    record,
)

from sledgehammer.changes import ChangeSet
from sledgehammer_gitlab.settings import Variable
from sledgehammer_gitlab.token_settings import DeployScope, DeployToken

PULL = DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN")


@pytest.fixture
def fleet(gitlab_url: str, tmp_path: Path) -> Iterator[list[Rehearsal]]:
    """Two applied projects of a group that share a variable; others have changed the second."""
    with rehearse(gitlab_url, tmp_path, FULL) as here:
        here.variables = {"MASKED": SECRET}
        shared = {**FULL.variables, "SHARED": Variable(value="of-the-group", group=here.group)}
        both = [member(here, name, deploy_tokens={"pull": PULL}, variables=shared) for name in ("same", "other")]
        for each in both:
            each.apply()
        body = {"value": "y", "description": "[sledge]"}
        here.api("PUT", f"{both[1].project}/variables/PLAIN", body)
        yield both


def is_read(one: Read) -> bool:
    return one.method == "GET" or one.path == GRAPHQL


def test_plans_for_many_are_the_same_whatever_happens_to_a_read(fleet: list[Rehearsal]) -> None:
    """Each read fails once."""
    url, calm = fleet[0].url, plans(fleet, in_bulk=True)
    sent = record(url, lambda: plans(fleet, in_bulk=True), is_read=is_read)
    assert [one.path for one in sent].count(GRAPHQL) == 2
    for fault in READ_FAULTS:
        load(url, *failing_at_first(fault, [{"method": "GET"}, {"path": GRAPHQL}]))
        assert plans(fleet, in_bulk=True) == calm
        assert met(url) == sent


def test_what_fails_for_good_ends_plans_for_many_unless_there_is_another_way(
    fleet: list[Rehearsal], caplog: pytest.LogCaptureFixture
) -> None:
    """Without GraphQL all is read by REST, and a line says so; without a list there is one error."""
    url, calm = fleet[0].url, plans(fleet, in_bulk=True)
    sent = dict.fromkeys(record(url, lambda: plans(fleet, in_bulk=True), is_read=is_read))
    for fault in READ_FAULTS:
        for read in sent:
            if read.path != GRAPHQL:
                load(url, failing_for_good(fault, read))
                assert_told_in_one_error(fault, error_of(lambda: plans(fleet, in_bulk=True)))
        for first in (1, 2):
            caplog.clear()
            load(url, failing_for_good(fault, Read(method="POST", path=GRAPHQL), calls=list(range(first, OFTEN))))
            assert plans(fleet, in_bulk=True) == calm
            warned = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
            assert len([line for line in warned if "one by one" in line]) == 1


def test_plans_for_many_that_are_out_of_date_mislead_no_apply(
    fleet: list[Rehearsal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GraphQL tells of the time before the last apply, and so does the plan; an apply reads for itself."""
    url, one = fleet[0].url, fleet[1]
    load(url, {"fault": "stale", "calls": [OFTEN]})
    before = plans(fleet, in_bulk=True)
    load(url)
    one.apply()
    load(url, {"fault": "stale", "path": GRAPHQL, "calls": [2]})
    assert plans(fleet, in_bulk=True) == before
    load(url)
    recorder = Recorder(monkeypatch)
    one.apply()
    assert recorder.writes == []
    assert [plan.pending for plan in plans(fleet, in_bulk=True) if isinstance(plan, ChangeSet)] == [(), ()]
