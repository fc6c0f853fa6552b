"""Plans for many projects: what they cost in requests, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action
from sledgehammer.retry import RetryPolicy
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.access_settings import BranchProtection
from sledgehammer_gitlab.listing import list_projects
from sledgehammer_gitlab.reading import KnownProject
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.token_settings import DeployScope, DeployToken
from sledgehammer_gitlab.upkeep_settings import CiSettings

FULL = Settings(
    project="team/sub/web",
    variables={f"KEY_{number}": Variable(value="x") for number in range(9)},
    protected_branches={"main": BranchProtection()},
    deploy_tokens={"pull": DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN")},
)


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, FULL) as made:
        yield made


def listed(here: Rehearsal) -> dict[str, KnownProject]:
    variables = {"GITLAB_URL": here.url, "GITLAB_TOKEN": ROOT_TOKEN}
    return dict(list_projects(here.group, variables, clock=FakeClock(), policy=RetryPolicy()))


def test_a_plan_for_many_projects_takes_four_requests_each_and_one_list(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten variables, a protected branch, a deploy token, content and CI file, and nothing to do."""
    fleet = [replace(here, settings=replace(here.settings, project=f"{here.group}/sub/{name}")) for name in "abc"]
    for each in fleet:
        each.apply()
    recorder = Recorder(monkeypatch)
    known = listed(here)
    plans = [each.connect().plan_knowing(known) for each in fleet]
    assert [plan.pending for plan in plans] == [()] * 3
    assert len(recorder.exchanges) == 1 + 4 * len(fleet)
    assert [plan.read_calls for plan in plans] == [each.connect().plan().read_calls for each in fleet] == [5] * 3
    recorder.check()


def test_a_group_that_another_apply_makes_meanwhile_is_taken(here: Rehearsal) -> None:
    """Projects of a new group are applied side by side."""
    other = replace(here, settings=replace(here.settings, project=f"{here.group}/sub/other"))
    made = here.connect().apply(on_change=lambda change: None, on_plan=lambda plan: other.apply())
    assert made.count(Action.CREATE) > 0
    assert here.connect().plan().pending == ()


def test_a_group_that_is_not_there_is_asked_for_once(here: Rehearsal, recorder: Recorder) -> None:
    """Whatever is to be in it."""
    variables = {name: Variable(value="x", group=here.group) for name in ("A", "B")}
    replace(here, settings=replace(here.settings, variables=variables)).connect().plan()
    asked = [one.path for one in recorder.exchanges if one.path == f"/api/v4/groups/{here.group}"]
    assert len(asked) == 1


def test_a_list_that_is_out_of_date_misleads_a_plan_and_no_apply(here: Rehearsal) -> None:
    """The apply reads the project anew."""
    here.settings = replace(here.settings, ci=CiSettings(timeout_minutes=90))
    here.apply()
    known = listed(here)
    here.api("PUT", here.project, {"build_timeout": 600})
    assert here.connect().plan_knowing(known).pending == ()
    here.apply()
    assert here.api("GET", here.project)["build_timeout"] == 90 * 60
