"""Every read of the GitLab provider meets every fault: in plans, applies and destructions."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gitlab_full_project import FIRST, PLAIN, SECOND, assert_settled, rehearse_in_full, want
from gitlab_rehearsal import Rehearsal
from read_faults import (
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

from sledgehammer_gitlab.settings import CiFileSettings, Via

OF_API = [
    {"method": "GET", "path": "^/api/v4/"},
    {"method": "POST", "path": "/ci/lint$"},
]

OF_GIT = [
    {"method": "GET", "path": "/info/refs"},
    {"method": "POST", "path": "/git-upload-pack$"},
]
"""Each try of git's sends them all again."""

BELOW = "^/api/v4/(projects/team[^/]+|groups/[^/]+)/"


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse_in_full(gitlab_url, tmp_path) as made:
        yield made


def is_read(one: Read) -> bool:
    return one.method == "GET" or one.path.endswith(("/ci/lint", "/git-upload-pack"))


def all_failing_at_first(fault: str) -> list[dict[str, Any]]:
    once = [{**one, "calls": [1]} for one in failing_at_first(fault, OF_GIT)]
    return [*failing_at_first(fault, OF_API), *once]


def kinds(sent: Iterable[Read]) -> list[Read]:
    """Each once."""
    return list(dict.fromkeys(sent))


def remember(here: Rehearsal, path: str) -> None:
    """Keep what a plan is told now, for answers that are out of date later."""
    load(here.url, {"fault": "stale", "method": "GET", "path": path, "calls": [OFTEN]})
    here.connect().plan()
    load(here.url)


def clone(here: Rehearsal, name: str) -> Rehearsal:
    """Another checkout of the same, which has nothing of what GitLab has beyond it."""
    here.git("clone", "-q", str(here.work), str(here.work / name))
    return replace(here, work=here.work / name)


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_every_read_may_fail_at_first(here: Rehearsal, fault: str) -> None:
    """Plans are the same, applies bring about the same, and nobody asks again sooner than GitLab wants."""
    rules = all_failing_at_first(fault)
    for settings in (FIRST, SECOND):
        want(here, settings)
        calm = here.connect().plan()
        sent = record(here.url, lambda: here.connect().plan(), is_read=is_read)
        load(here.url, *rules)
        assert here.connect().plan() == calm
        assert met(here.url) == sent
        load(here.url, *rules)
        here.apply()
        load(here.url)
        assert_settled(here)
    calm = here.connect().plan_destruction()
    load(here.url, *rules)
    assert here.connect().plan_destruction() == calm
    here.connect().destroy(on_change=lambda change: None)
    load(here.url)
    assert here.api("GET", here.project) is None
    assert here.api("GET", f"/groups/{here.group}/variables") == []
    if fault == "throttle":
        assert min(here.clock.sleeps) >= RETRY_AFTER_S


def test_a_list_of_many_pages_is_read_past_those_that_fail(here: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that fails is asked for again and the others are not: nothing is lost, and nothing is there twice."""
    want(here, FIRST)
    here.apply()
    monkeypatch.setattr("sledgehammer_gitlab.api.PER_PAGE", 1)
    pages = [one for one in record(here.url, here.connect().plan, is_read=is_read) if "web/variables?" in one.path]
    assert len(pages) == 6
    for fault in READ_FAULTS:
        load(here.url, *failing_at_first(fault, [{"method": "GET", "path": "web/variables[?]"}]))
        assert here.connect().plan().pending == ()
        assert met(here.url) == pages


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_that_fails_for_good_ends_a_plan_with_one_error(here: Rehearsal, fault: str) -> None:
    """Whichever it is, in the plan of an apply and of a destruction; nothing of it is taken for absent."""
    plans = (lambda: here.connect().plan(), lambda: here.connect().plan_destruction())
    want(here, FIRST)
    here.apply()
    for plan in plans:
        for read in kinds(record(here.url, plan, is_read=is_read)):
            load(here.url, failing_for_good(fault, read))
            assert_told_in_one_error(fault, error_of(plan))


def test_an_apply_that_reads_fail_for_is_finished_by_the_next(here: Rehearsal) -> None:
    """From whichever read on they fail for good, between two writes too, until a run needs no further one."""
    want(here, FIRST)
    here.apply()
    planned = len(record(here.url, lambda: here.connect().plan(), is_read=is_read))
    for first, settings in zip(itertools.count(planned + 1), itertools.cycle((SECOND, FIRST)), strict=False):
        want(here, settings)
        load(here.url, {"fault": "error_before", "method": "GET", "calls": list(range(first, first + OFTEN))})
        error = error_of(here.apply)
        if error is None:
            break
        assert_told_in_one_error("error_before", error)
        load(here.url)
        here.apply()
        assert_settled(here)
    assert first > planned + 10


def test_a_read_that_is_out_of_date_doubles_nothing(here: Rehearsal) -> None:
    """Each in turn tells of the time before the project was there, before its parts were or before they were changed:
    the apply that believes it leaves each thing once."""
    want(here, FIRST)
    remember(here, "")
    want(here, PLAIN)
    here.apply()
    want(here, FIRST)
    remember(here, BELOW)
    here.apply()
    remember(here, "/pipeline_schedules/[0-9]+$")
    want(here, SECOND)
    here.apply()
    for read in kinds(record(here.url, lambda: here.connect().plan(), is_read=is_read)):
        load(here.url, {**read.rule, "fault": "stale", "calls": [1]})
        here.apply()
        assert met(here.url) == [read]
        load(here.url)
        assert_settled(here)


def test_a_destruction_that_is_out_of_date_is_made_whole_by_the_next(here: Rehearsal) -> None:
    """Lists of groups tell of the time before anything of ours was in them; the project is gone by the time they do
    not, and what is left of it is found all the same."""
    want(here, FIRST)
    remember(here, "/groups/[^/]+/(variables|access_tokens)[?]")
    here.api("POST", "/groups", {"name": here.group, "path": here.group})
    remember(here, "/groups/[^/]+/(variables|access_tokens)[?]")
    here.apply()
    load(here.url, {"fault": "stale", "method": "GET", "path": "^/api/v4/groups/"})
    here.connect().destroy(on_change=lambda change: None)
    assert here.api("GET", here.project) is None
    load(here.url)
    assert len(here.connect().plan_destruction().pending) == 2
    here.connect().destroy(on_change=lambda change: None)
    assert here.api("GET", f"/groups/{here.group}/variables") == []
    assert [row["active"] for row in here.api("GET", f"/groups/{here.group}/access_tokens")] == [False]
    assert here.connect().plan_destruction().changes == ()


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_what_a_merge_request_takes_is_read_whatever_happens(here: Rehearsal, fault: str) -> None:
    """By the API while it is open; what was merged by git, which has to fetch it."""
    here.settings = replace(here.settings, ci_file=CiFileSettings(via=Via.MERGE_REQUEST))
    load(here.url, *all_failing_at_first(fault))
    here.apply()
    load(here.url)
    (opened,) = here.api("GET", f"{here.project}/merge_requests?state=opened")
    calm = here.connect().plan()
    assert [step.link for step in calm.manual] == [opened["web_url"]]
    for read in kinds(record(here.url, lambda: here.connect().plan(), is_read=is_read)):
        if "/merge_requests" in read.path or "/files/" in read.path:
            load(here.url, failing_for_good(fault, read))
            assert_told_in_one_error(fault, error_of(lambda: here.connect().plan()))
    here.api("PUT", f"{here.project}/merge_requests/{opened['iid']}/merge")
    sent = record(here.url, lambda: clone(here, "calm").connect().plan(), is_read=is_read)
    for number, read in enumerate(one for one in sent if "/api/" not in one.path):
        load(here.url, failing_for_good(fault, read))
        assert_told_in_one_error(fault, error_of(clone(here, f"lost-{number}").connect().plan))
    assert number > 0
    load(here.url, *all_failing_at_first(fault))
    plan = clone(here, "late").connect().plan()
    assert (plan.pending, plan.manual) == ((), ())
    assert set(met(here.url)) == set(sent)
