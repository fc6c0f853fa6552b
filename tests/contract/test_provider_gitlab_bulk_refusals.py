"""What GraphQL refuses, leaves out or does not know changes no plan: it is read by REST."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from gitlab_fleet_plans import FULL, SECRET, member, pending, plans
from gitlab_rehearsal import GRAPHQL, Recorder, Rehearsal, rehearse
from graphql import build_schema, print_schema

from sledgehammer_gitlab import bulk_reading
from sledgehammer_localstack.gitlab.graphql import endpoint
from sledgehammer_localstack.gitlab.graphql.description import description

Answer = dict[str, Any]


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, FULL) as made:
        made.variables = {"MASKED": SECRET}
        yield made


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


def spoil_all(answer: Answer) -> None:
    """An error about a part of each project, of which nothing is used then."""
    paths = [["projects", "nodes", place, "repository"] for place, _ in enumerate(nodes(answer))]
    answer["errors"] = [{"message": SECRET, "path": path} for path in paths]
    for node in nodes(answer):
        node["repository"] = None
        node["ciVariables"]["nodes"].clear()


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
    "an error of each": spoil_all,
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


def test_a_gitlab_that_refuses_the_first_query_is_asked_no_other(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are to be."""
    fleet = [member(here, name) for name in "abc"]
    for each in fleet:
        each.apply()
    monkeypatch.setattr(bulk_reading, "MOST_PROJECTS", 1)
    tamper(monkeypatch, without_data)
    recorder = Recorder(monkeypatch)
    assert pending(fleet) == 0
    assert [one.path for one in recorder.exchanges].count(GRAPHQL) == 2  # what it can tell, and that


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


def test_an_error_about_one_project_costs_the_others_nothing(here: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own lists are read by REST."""
    fleet = [member(here, name) for name in "abc"]
    for each in fleet:
        each.apply()

    def spoil(answer: Answer) -> None:
        answer["errors"] = [{"message": "no such branch", "path": ["projects", "nodes", 1, "repository", "tree"]}]

    tamper(monkeypatch, spoil)
    recorder = Recorder(monkeypatch)
    assert pending(fleet) == 0
    asked = [one.path for one in recorder.exchanges if one.path.startswith("/api/v4/projects/")]
    assert len(asked) == 3
    assert len({path.split("/")[4] for path in asked}) == 1
