"""Plans for many projects with GraphQL's help: fewer requests, and the same plans whatever GraphQL says."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import requests
from gitlab_rehearsal import GRAPHQL, ROOT_TOKEN, Recorder, Rehearsal, rehearse
from graphql import build_schema, print_schema

from sledgehammer.changes import ChangeSet
from sledgehammer.errors import ConflictError
from sledgehammer.retry import RetryPolicy
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.access_settings import BranchProtection, Level
from sledgehammer_gitlab.bulk_reading import Target, read_in_bulk
from sledgehammer_gitlab.listing import list_projects
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.token_settings import DeployScope, DeployToken
from sledgehammer_localstack.gitlab.graphql import endpoint
from sledgehammer_localstack.gitlab.graphql.description import description

SECRET = "text-that-nobody-shows"
FULL = Settings(
    project="team/web",
    variables={
        "PLAIN": Variable(value="x", description="what it is for"),
        "MASKED": Variable(from_env="MASKED", masked=True),
        "HIDDEN": Variable(from_env="MASKED", masked=True, hidden=True),
        "SCOPED": Variable(value="1", environment_scope="prod/*", protected=True, raw=False),
    },
    protected_branches={
        "main": BranchProtection(push=Level.DEVELOPER, force_push=True),
        "release/*": BranchProtection(push=Level.NOBODY),
    },
)
Answer = dict[str, Any]


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, FULL) as made:
        made.variables = {"MASKED": SECRET}
        yield made


def member(here: Rehearsal, name: str, **changes: Any) -> Rehearsal:
    """Another project of the group, of the same checkout."""
    return replace(here, settings=replace(here.settings, project=f"{here.group}/{name}", **changes))


def plans(fleet: Sequence[Rehearsal], *, in_bulk: bool) -> list[ChangeSet | str]:
    """A plan of each, or why there is none."""
    variables = {"GITLAB_URL": fleet[0].url, "GITLAB_TOKEN": fleet[0].token}
    clock, policy = FakeClock(), RetryPolicy()
    known = list_projects(fleet[0].group, variables, clock=clock, policy=policy)
    if in_bulk:
        targets = [Target(settings=each.settings, branch="main") for each in fleet]
        known = read_in_bulk(known, targets, variables, clock=clock, policy=policy)
    found: list[ChangeSet | str] = []
    for each in fleet:
        try:
            found.append(replace(each, known=known).connect().plan())
        except ConflictError as error:
            found.append(str(error))
    return found


def pending(fleet: Sequence[Rehearsal]) -> int:
    """How many changes the plans find."""
    return sum(len(plan.pending) if isinstance(plan, ChangeSet) else 1 for plan in plans(fleet, in_bulk=True))


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


def test_an_apply_reads_anew_what_graphql_told(here: Rehearsal) -> None:
    """What changes between the two is seen."""
    each = member(here, "one")
    each.apply()
    variables = {"GITLAB_URL": here.url, "GITLAB_TOKEN": ROOT_TOKEN}
    known = list_projects(here.group, variables, clock=FakeClock(), policy=RetryPolicy())
    targets = [Target(settings=each.settings, branch="main")]
    each.known = read_in_bulk(known, targets, variables, clock=FakeClock(), policy=RetryPolicy())
    each.api("PUT", f"{each.project}/variables/PLAIN", {"value": "y"})
    assert each.connect().plan().pending == ()
    each.apply()
    assert each.api("GET", f"{each.project}/variables/PLAIN")["value"] == "x"


def tamper(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Answer], object], *, status: int = 200, kind: str = ""
) -> None:
    """Change GraphQL's answers about projects on their way."""
    send = requests.Session.send

    def tampered(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = send(session, request, **options)
        if GRAPHQL in (request.url or "") and "fullPaths" in str(request.body):
            answer = response.json()
            change(answer)
            response.status_code, response._content = status, json.dumps(answer).encode()
            response.headers["Content-Type"] = kind or response.headers["Content-Type"]
        return response

    monkeypatch.setattr(requests.Session, "send", tampered)


def nodes(answer: Answer) -> list[Answer]:
    """The projects in an answer."""
    found: list[Answer] = answer["data"]["projects"]["nodes"]
    return found


def without_data(answer: Answer) -> None:
    """Nothing was run."""
    del answer["data"]
    answer["errors"] = [{"message": "something about a field"}]


def cut_pages(answer: Answer) -> None:
    """Lists with a page more."""
    for node in nodes(answer):
        node["ciVariables"]["nodes"].pop()
        node["ciVariables"]["pageInfo"]["hasNextPage"] = True
        node["branchRules"]["nodes"].pop()
        node["branchRules"]["pageInfo"]["hasNextPage"] = True


def foreign_levels(answer: Answer) -> None:
    """A key and somebody of that name, who may push as a maintainer's level has it."""
    for node in nodes(answer):
        for rule in node["branchRules"]["nodes"]:
            rule["branchProtection"]["pushAccessLevels"]["nodes"] = [
                {"accessLevel": 40, "accessLevelDescription": "Maintainers", "deployKey": {"id": "1"}},
                {"accessLevel": 40, "accessLevelDescription": "Ada"},
            ]


PARTIAL: dict[str, Callable[[Answer], object]] = {
    "no projects": lambda answer: nodes(answer).clear(),
    "projects that are null": lambda answer: answer["data"]["projects"].update(nodes=[None]),
    "no list of projects": lambda answer: answer["data"].update(projects=None),
    "parts that are null": lambda answer: [
        node.update(ciVariables=None, branchRules=None, repository=None) for node in nodes(answer)
    ],
    "no rules, for they are hidden": lambda answer: [node["branchRules"]["nodes"].clear() for node in nodes(answer)],
    "no levels, for they are hidden": lambda answer: [
        rule["branchProtection"]["pushAccessLevels"]["nodes"].clear()
        for node in nodes(answer)
        for rule in node["branchRules"]["nodes"]
    ],
    "levels that are not roles'": foreign_levels,
    "entries that are null": lambda answer: [node["ciVariables"]["nodes"].append(None) for node in nodes(answer)],
    "values that are not shown": lambda answer: [
        one.update(value=None) for node in nodes(answer) for one in node["ciVariables"]["nodes"]
    ],
    "no tree": lambda answer: [node["repository"].update(tree=None) for node in nodes(answer)],
    "more pages": cut_pages,
    "an error beside": lambda answer: answer.update(errors=[{"message": SECRET, "path": ["projects"]}]),
    "an error alone": without_data,
}


@pytest.mark.parametrize("change", PARTIAL.values(), ids=PARTIAL.keys())
def test_an_answer_that_lacks_something_changes_no_plan(
    here: Rehearsal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Answer], object],
) -> None:
    """What is lacking is read by REST, and one line says so; no value is in it."""
    same, other = member(here, "same"), member(here, "other")
    for each in (same, other):
        each.apply()
    other.api("PUT", f"{other.project}/variables/PLAIN", {"value": "y"})
    by_rest = plans([same, other], in_bulk=False)
    tamper(monkeypatch, change)
    with caplog.at_level(logging.INFO, logger="sledgehammer_gitlab"):
        assert plans([same, other], in_bulk=True) == by_rest
    said = [record.getMessage() for record in caplog.records if "GraphQL" in record.getMessage()]
    assert len(said) == 1
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("status", "kind", "why"), [(401, "", "401"), (404, "", "404"), (422, "", "422"), (200, "text/html", "no JSON")]
)
def test_a_gitlab_without_graphql_is_read_by_rest(
    here: Rehearsal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    kind: str,
    why: str,
) -> None:
    """After one request in vain, and with a line that says why."""
    each = member(here, "one")
    each.apply()
    tamper(monkeypatch, without_data, status=status, kind=kind)
    assert pending([each]) == 0
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert why in said


def test_an_older_gitlab_is_not_asked_for_what_it_does_not_know(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables without descriptions carry no marks: they are read by REST, the rest is not."""
    older = print_schema(description())
    cut = older.index("type CiProjectVariable {")
    older = older[:cut] + older[cut:].replace("  description: String\n", "", 1)
    monkeypatch.setattr(endpoint, "description", lambda: build_schema(older))
    each = member(here, "one")
    each.apply()
    recorder = Recorder(monkeypatch)
    assert pending([each]) == 0
    paths = [one.path for one in recorder.exchanges]
    assert paths[-3:] == [GRAPHQL, GRAPHQL, f"/api/v4{each.project}/variables"]


@pytest.mark.parametrize(("most", "refused"), [(78, 0), (77, 1), (75, 2), (74, 3)])
def test_a_refusal_for_complexity_halves_what_is_asked_at_once(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, most: int, refused: int
) -> None:
    """Until GitLab takes it, or one project alone is too many."""
    fleet = [member(here, name) for name in "abcd"]
    for each in fleet:
        each.apply()
    monkeypatch.setattr(endpoint, "most_for", lambda user: most)
    recorder = Recorder(monkeypatch)
    assert pending(fleet) == 0
    asked = [one for one in recorder.exchanges if one.path == GRAPHQL]
    assert len([one for one in asked if "errors" in one.answer]) == refused
    assert ("complexity" in caplog.text) is (most == 74)


def test_values_are_in_no_log_and_no_text_of_what_is_known(here: Rehearsal, caplog: pytest.LogCaptureFixture) -> None:
    """They come with the answer and stay in it."""
    each = member(here, "one")
    each.apply()
    variables = {"GITLAB_URL": here.url, "GITLAB_TOKEN": ROOT_TOKEN}
    with caplog.at_level(logging.DEBUG):
        known = list_projects(here.group, variables, clock=FakeClock(), policy=RetryPolicy())
        targets = [Target(settings=each.settings, branch="main")]
        found = read_in_bulk(known, targets, variables, clock=FakeClock(), policy=RetryPolicy())
    assert SECRET in str(found[each.path.lower()].lists)
    assert SECRET not in repr(found)
    assert SECRET not in caplog.text
