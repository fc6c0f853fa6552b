"""The local GitLab's GraphQL: GitLab's names, pages, access and refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from gitlab.v4.objects import Project
from gitlab_local import ROOT, LocalGitLab, fresh_gitlab

READ = """
query($paths: [String!]) {
  projects(fullPaths: $paths) {
    nodes {
      fullPath
      ciVariables { nodes { key value hidden masked raw protected environmentScope description variableType } }
      branchRules { nodes { name branchProtection {
        allowForcePush
        pushAccessLevels { nodes { accessLevel accessLevelDescription deployKey { id } } }
        mergeAccessLevels { nodes { accessLevel } }
      } } }
      repository { tree(ref: "refs/heads/main") { lastCommit { sha } } }
    }
    pageInfo { hasNextPage }
  }
}
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalGitLab]:
    """A new server."""
    with fresh_gitlab(tmp_path) as server:
        yield server


def ask(local: LocalGitLab, query: str, *, token: str | None = ROOT, **variables: Any) -> requests.Response:
    """One query."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"query": query, "variables": variables}
    return requests.post(f"{local.url}/api/graphql", json=body, headers=headers, timeout=20)


def refusal(answer: requests.Response) -> str:
    """The only error of an answer without data."""
    shown = answer.json()
    assert "data" not in shown
    (error,) = shown["errors"]
    return str(error["message"])


def make_project(local: LocalGitLab, name: str = "app") -> Project:
    """A project with one commit."""
    project: Project = local.client().projects.create({"name": name})
    actions = [{"action": "create", "file_path": "README.md", "content": "x"}]
    project.commits.create({"branch": "main", "commit_message": "first", "actions": actions})
    return project


def test_graphql_shows_what_rest_shows(local: LocalGitLab) -> None:
    """Variables, rules and the branch's commit."""
    project = make_project(local)
    for name in ("main", "release/*"):
        if name != "main":
            project.protectedbranches.create({"name": name, "push_access_level": 0, "allow_force_push": True})
    project.variables.create({"key": "A", "value": "one", "description": "first"})
    project.variables.create({"key": "B", "value": "long-enough", "masked_and_hidden": True})
    (shown,) = ask(local, READ, paths=[project.path_with_namespace.upper()]).json()["data"]["projects"]["nodes"]
    by_rest = {row.key: row.attributes for row in project.variables.list(get_all=True)}
    for one in shown["ciVariables"]["nodes"]:
        assert one == {
            "variableType": "ENV_VAR",
            "environmentScope": "*",
            **{name: by_rest[one["key"]][name] for name in ("key", "value", "hidden", "masked", "raw", "protected")},
            "description": by_rest[one["key"]]["description"],
        }
    assert [one["value"] for one in shown["ciVariables"]["nodes"]] == ["one", None]
    rules = {one["name"]: one["branchProtection"] for one in shown["branchRules"]["nodes"]}
    assert list(rules) == ["main", "release/*"]
    assert rules["release/*"]["allowForcePush"] is True
    (level,) = rules["release/*"]["pushAccessLevels"]["nodes"]
    assert level == {"accessLevel": 0, "accessLevelDescription": "No one", "deployKey": None}
    assert shown["repository"]["tree"]["lastCommit"]["sha"] == project.branches.get("main").commit["id"]


def test_who_may_not_see_a_part_gets_null_and_no_error(local: LocalGitLab) -> None:
    """A developer sees no variables, a stranger no project."""
    project = make_project(local)
    project.variables.create({"key": "A", "value": "secret-text"})
    developer, stranger = local.user("dev"), local.user("stranger")
    (member,) = [user for user in local.client().users.list(get_all=True) if user.username == "dev"]
    project.members.create({"user_id": member.id, "access_level": 30})
    seen = ask(local, READ, token=developer, paths=[project.path_with_namespace]).json()
    assert "errors" not in seen
    (shown,) = seen["data"]["projects"]["nodes"]
    assert shown["ciVariables"] is None
    assert shown["repository"]["tree"]["lastCommit"] is not None
    for token in (stranger, None):
        found = ask(local, READ, token=token, paths=[project.path_with_namespace])
        assert found.json()["data"]["projects"]["nodes"] == []
        assert "secret-text" not in found.text


def test_a_page_holds_a_hundred_and_says_that_there_are_more(local: LocalGitLab) -> None:
    """The cursor goes on where the page ended."""
    project = make_project(local)
    for number in range(103):
        project.variables.create({"key": f"K{number:03}", "value": "x"})
    query = """query($path: ID!, $after: String) { project(fullPath: $path) { ciVariables(first: 500, after: $after) {
      nodes { key } pageInfo { hasNextPage endCursor } } } }"""
    first = ask(local, query, path=project.path_with_namespace).json()["data"]["project"]["ciVariables"]
    assert (len(first["nodes"]), first["pageInfo"]["hasNextPage"]) == (100, True)
    cursor = first["pageInfo"]["endCursor"]
    rest = ask(local, query, path=project.path_with_namespace, after=cursor).json()["data"]["project"]["ciVariables"]
    assert [one["key"] for one in rest["nodes"]] == ["K100", "K101", "K102"]
    assert rest["pageInfo"]["hasNextPage"] is False


def test_a_query_that_costs_too_much_is_refused_in_gitlabs_words(local: LocalGitLab) -> None:
    """Each project that is named alone costs as much; a list of them hardly more than one."""
    rules = "branchRules { nodes { name branchProtection { pushAccessLevels { nodes { accessLevel } } } } }"
    alone = " ".join(f'p{number}: project(fullPath: "g/p{number}") {{ {rules} }}' for number in range(21))
    # A connection of a hundred doubles what is below it: 2 * (1 + 6), and 1 for the project
    assert refusal(ask(local, f"{{ {alone} }}")) == "Query has complexity of 315, which exceeds max complexity of 300"
    token = local.user("ada")
    half = " ".join(f'p{number}: project(fullPath: "g/p{number}") {{ {rules} }}' for number in range(17))
    assert ask(local, f"{{ {half} }}").json()["data"]["p0"] is None
    assert "exceeds max complexity of 250" in refusal(ask(local, f"{{ {half} }}", token=token))
    listed = f"query($paths: [String!]) {{ projects(fullPaths: $paths, first: 50) {{ nodes {{ {rules} }} }} }}"
    assert ask(local, listed, token=token, paths=["g/p"] * 50).json()["data"]["projects"]["nodes"] == []


def test_what_cannot_be_run_is_refused_as_gitlab_refuses_it(local: LocalGitLab) -> None:
    """Unknown fields, mutations, long queries, too many paths, a bad token, a token without the scope."""
    assert (
        refusal(ask(local, "{ project(fullPath: 1) { colour } }")) == "Field 'colour' doesn't exist on type 'Project'"
    )
    assert refusal(ask(local, 'mutation { echo(text: "x") { errors } }')) == "Schema is not configured for mutations"
    assert refusal(ask(local, "{ projects {")).startswith("Syntax Error")
    long = ask(local, f"{{ projects {{ nodes {{ id }} }} }} #{'x' * 10_000}")
    assert (long.status_code, refusal(long)) == (422, "Query too large")
    many = ask(local, READ, paths=["g/p"] * 51).json()
    assert many["errors"][0]["message"] == "You cannot provide more than 50 full_paths"
    root = local.client().user or local.client().users.list(username="root")[0]
    for token in ("glpat-nobody", local.token_of(root.id, "read_user")):
        wrong = ask(local, "{ projects { nodes { id } } }", token=token)
        assert (wrong.status_code, refusal(wrong)) == (401, "Invalid token")


def test_a_client_can_ask_which_fields_there_are(local: LocalGitLab) -> None:
    """Introspection, by which the provider finds out what an older GitLab lacks."""
    answer = ask(local, '{ __type(name: "PushAccessLevel") { fields { name } } }').json()
    assert [one["name"] for one in answer["data"]["__type"]["fields"]] == [
        "accessLevel",
        "accessLevelDescription",
        "deployKey",
    ]
    assert json.dumps(ask(local, '{ __type(name: "Nothing") { name } }').json()) == '{"data": {"__type": null}}'
