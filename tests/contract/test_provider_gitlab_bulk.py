"""Plans for many projects with GraphQL's help: fewer requests, and the same plans."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from gitlab_fleet_plans import FULL, SECRET, member, pending, plans, what_is_known
from gitlab_rehearsal import GRAPHQL, Recorder, Rehearsal, rehearse

from sledgehammer.changes import ChangeSet
from sledgehammer_gitlab.settings import Variable
from sledgehammer_gitlab.token_settings import DeployScope, DeployToken


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, FULL) as made:
        made.variables = {"MASKED": SECRET}
        yield made


def drift(here: Rehearsal) -> list[Rehearsal]:
    """Projects that have been changed by others, one in each way, and one that has not."""
    names = ["same", "value", "unwanted", "unprotected", "level", "forced", "pushed", "gone", "wanted"]
    fleet = {name: member(here, name) for name in names}
    for name, each in fleet.items():
        if name != "gone":
            each.apply()
    fleet["value"].api("PUT", f"{fleet['value'].project}/variables/PLAIN", {"value": "y", "description": "[sledge]"})
    fleet["unwanted"].api("DELETE", f"{fleet['unwanted'].project}/variables/MASKED")
    for key in ("ZZ_OLD", "AA_OLD"):
        body = {"key": key, "value": "1", "description": "[sledge]"}
        fleet["unwanted"].api("POST", f"{fleet['unwanted'].project}/variables", body)
    fleet["unprotected"].api("DELETE", f"{fleet['unprotected'].project}/protected_branches/release%2F*")
    levels = f"{fleet['level'].project}/protected_branches"
    fleet["level"].api("DELETE", f"{levels}/main")
    fleet["level"].api("POST", levels, {"name": "main", "push_access_level": 40, "allow_force_push": True})
    fleet["forced"].api("PATCH", f"{fleet['forced'].project}/protected_branches/main", {"allow_force_push": False})
    action = {"action": "delete", "file_path": ".gitlab-ci.yml"}
    commit: Any = {"branch": "main", "commit_message": "[skip ci] by hand", "actions": [action]}
    fleet["pushed"].api("POST", f"{fleet['pushed'].project}/repository/commits", commit)
    fleet["wanted"].settings = replace(fleet["wanted"].settings, variables={}, protected_branches=None)
    return list(fleet.values())


def test_plans_are_the_same_by_graphql_and_by_rest(here: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over projects with every kind of drift, one that is not there, and two that need nothing."""
    fleet = drift(here)
    by_rest = plans(fleet, in_bulk=False)
    recorder = Recorder(monkeypatch)
    by_graphql = plans(fleet, in_bulk=True)
    assert by_graphql == by_rest
    calls = [[plan.calls for plan in some if isinstance(plan, ChangeSet)] for some in (by_graphql, by_rest)]
    assert calls[0] == calls[1]
    assert [bool(plan.pending or plan.manual) if isinstance(plan, ChangeSet) else plan for plan in by_rest] == [
        False,  # same
        *[True] * 5,
        ANY,  # pushed: its plan is refused
        True,  # gone
        True,  # wanted no more
    ]
    assert "has commits that this checkout lacks" in str(by_rest[6])
    asked = [one for one in recorder.exchanges if one.path != GRAPHQL]
    unchanged = f"/api/v4{fleet[0].project}/"
    assert not [one for one in asked if one.path.startswith(unchanged)]
    recorder.check()


def test_an_unchanged_project_takes_no_request_of_its_own(here: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """But one for deploy tokens, which GraphQL does not tell, where sledge.yaml asks for them."""
    token = DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN")
    fleet = [*(member(here, name) for name in "abc"), member(here, "token", deploy_tokens={"pull": token})]
    for each in fleet:
        each.apply()
    recorder = Recorder(monkeypatch)
    assert pending(fleet) == 0
    paths = [one.path for one in recorder.exchanges]
    group = f"/api/v4/groups/{here.group}/projects"
    assert paths == [group, GRAPHQL, GRAPHQL, f"/api/v4{fleet[-1].project}/deploy_tokens"]


def test_a_groups_variables_are_read_once_for_all_its_projects(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that has drifted is seen in each plan as without: its own project mends it."""
    shared = {"SHARED": Variable(value="1", group=here.group), "OWN": Variable(value="2")}
    fleet = [member(here, name, variables=shared) for name in "abc"]
    for each in fleet:
        each.apply()
    here.api("PUT", f"/groups/{here.group}/variables/SHARED", {"value": "changed"})
    by_rest = plans(fleet, in_bulk=False)
    recorder = Recorder(monkeypatch)
    assert plans(fleet, in_bulk=True) == by_rest
    asked = [one.path for one in recorder.exchanges]
    assert asked.count(f"/api/v4/groups/{here.group}/variables") == 1
    first, *others = by_rest
    assert isinstance(first, ChangeSet)
    assert len(first.pending) == 1
    assert all(f"made for the project {fleet[0].path}" in str(plan) for plan in others)


def test_an_apply_reads_anew_what_graphql_told(here: Rehearsal) -> None:
    """What changes between the two is seen."""
    each = member(here, "one")
    each.apply()
    known = what_is_known([each])
    each.api("PUT", f"{each.project}/variables/PLAIN", {"value": "y"})
    assert each.connect().plan_knowing(known).pending == ()
    each.apply()
    assert each.api("GET", f"{each.project}/variables/PLAIN")["value"] == "x"


def test_values_are_in_no_log_and_no_text_of_what_is_known(here: Rehearsal, caplog: pytest.LogCaptureFixture) -> None:
    """They come with the answer and stay in it."""
    each = member(here, "one")
    each.apply()
    with caplog.at_level(logging.DEBUG):
        found = what_is_known([each])
    assert SECRET in str(found[each.path.lower()].lists)
    assert SECRET not in repr(found)
    assert SECRET not in caplog.text
