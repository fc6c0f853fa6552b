"""Groups, projects, variables, files, commits and refs by python-gitlab, every exchange checked."""

import base64
from pathlib import Path
from typing import Any

import gitlab
import pytest
import requests
from gitlab.v4.objects import Project
from gitlab_local import LocalGitLab, fresh_gitlab, running


@pytest.fixture
def project(local: LocalGitLab) -> Project:
    """A project with a README."""
    return local.client().projects.create({"name": "app", "initialize_with_readme": True})


def test_a_name_that_is_taken_is_a_400_like_gitlabs(local: LocalGitLab) -> None:
    """Projects and groups say so each in their own shape; a missing name is another shape."""
    client = local.client()
    client.projects.create({"name": "app"})
    answer = local.call("POST", "/projects", json={"name": "app"})
    assert (answer.status_code, answer.json()["message"]["path"]) == (400, ["has already been taken"])
    client.groups.create({"name": "Team", "path": "team"})
    again = local.call("POST", "/groups", json={"name": "Team", "path": "team"})
    assert (again.status_code, "has already been taken" in again.json()["message"]) == (400, True)
    assert local.call("POST", "/groups", json={"path": "x"}).json() == {"error": "name is missing"}


def test_groups_nest_and_their_projects_are_found_by_full_path(local: LocalGitLab) -> None:
    """Subgroups, projects of a group with and without subgroups, namespaces; a renamed group moves all below."""
    client = local.client()
    team = client.groups.create({"name": "Team", "path": "team", "visibility": "public"})
    web = client.groups.create({"name": "Web", "path": "web", "parent_id": team.id})
    site = client.projects.create({"name": "My Site", "namespace_id": web.id, "visibility": "private"})
    assert (site.path_with_namespace, site.name_with_namespace) == ("team/web/my-site", "Team / Web / My Site")
    assert [one.full_path for one in team.subgroups.list(get_all=True)] == ["team/web"]
    assert team.projects.list(get_all=True) == []
    assert [one.id for one in team.projects.list(get_all=True, include_subgroups=True)] == [site.id]
    assert [one.full_path for one in client.namespaces.list(get_all=True, search="web")] == ["team/web"]
    team.path = "crew"
    team.save()
    assert client.projects.get("crew/web/my-site").id == site.id
    client.groups.delete(team.id)
    assert client.projects.list(get_all=True) == []


def test_project_settings_are_kept_and_given_back(local: LocalGitLab, project: Project) -> None:
    """What was set is read; what this server does not know is not made up."""
    project.build_timeout = 600
    project.ci_default_git_depth = 1
    project.container_registry_access_level = "disabled"
    project.topics = ["rust", "ci"]
    project.description = "An app"
    project.save()
    read = local.client().projects.get(project.id)
    assert (read.build_timeout, read.ci_default_git_depth, read.topics) == (600, 1, ["rust", "ci"])
    assert (read.container_registry_enabled, read.description) == (False, "An app")
    assert read.container_registry_image_prefix.endswith("/root/app")


def test_offset_pages_carry_gitlabs_headers(local: LocalGitLab) -> None:
    """X-Page and its kin and Link with the four relations; python-gitlab walks them."""
    client = local.client()
    for number in range(5):
        client.projects.create({"name": f"p{number}"})
    answer = local.call("GET", "/projects?per_page=2&page=2&simple=true&order_by=id&sort=asc")
    assert [one["path"] for one in answer.json()] == ["p2", "p3"]
    names = ("X-Page", "X-Per-Page", "X-Next-Page", "X-Prev-Page", "X-Total", "X-Total-Pages")
    assert [answer.headers[name] for name in names] == ["2", "2", "3", "1", "5", "3"]
    assert set(answer.links) == {"first", "prev", "next", "last"}
    assert len(client.projects.list(iterator=True, per_page=2)) == 5
    assert [one.path for one in client.projects.list(get_all=True, search="p4")] == ["p4"]


def test_keyset_pages_follow_the_link_alone(local: LocalGitLab) -> None:
    """No totals; every project comes once."""
    client = local.client()
    made = [client.projects.create({"name": f"p{number}"}).id for number in range(5)]
    walked = client.projects.list(iterator=True, pagination="keyset", order_by="id", sort="asc", per_page=2)
    assert [one.id for one in walked] == made
    answer = local.call("GET", "/projects?pagination=keyset&order_by=id&per_page=2")
    assert "X-Total" not in answer.headers
    assert [one["id"] for one in answer.json()] == [made[4], made[3]]
    assert [one.id for one in client.projects.list(get_all=True, id_after=made[3])] == [made[4]]


def test_a_variable_is_known_by_key_and_scope(project: Project) -> None:
    """Two scopes live side by side; without the filter GitLab does not guess."""
    project.variables.create({"key": "URL", "value": "a", "environment_scope": "*"})
    project.variables.create({"key": "URL", "value": "b", "environment_scope": "production"})
    with pytest.raises(gitlab.GitlabCreateError, match="has already been taken"):
        project.variables.create({"key": "URL", "value": "c"})
    with pytest.raises(gitlab.GitlabGetError) as refused:
        project.variables.get("URL")
    assert refused.value.response_code == 409
    scoped: dict[str, Any] = {"filter": {"environment_scope": "production"}}
    assert project.variables.get("URL", **scoped).value == "b"
    project.variables.update("URL", {"value": "d"}, **scoped)
    assert {one.environment_scope: one.value for one in project.variables.list(get_all=True)} == {
        "*": "a",
        "production": "d",
    }
    project.variables.delete("URL", **scoped)
    assert project.variables.get("URL").value == "a"


@pytest.mark.parametrize(
    ("value", "raw", "accepted"),
    [
        ("short", False, False),
        ("long-enough", False, True),
        ("has a space", False, False),
        ('{"json":true}', False, False),
        ('{"json":true}', True, True),
        ("two\nlines here", True, False),
        ("dollar$sign", False, False),
    ],
)
def test_what_can_be_masked(project: Project, value: str, raw: bool, accepted: bool) -> None:
    """GitLab's mask rules; with raw more characters are taken."""
    body = {"key": "TOKEN", "value": value, "masked": True, "raw": raw}
    if accepted:
        assert project.variables.create(body).masked is True
    else:
        with pytest.raises(gitlab.GitlabCreateError) as refused:
            project.variables.create(body)
        assert refused.value.response_code == 400


def test_a_hidden_variable_is_never_read_back(project: Project) -> None:
    """masked_and_hidden at creation: the value is null for ever, a change of value is possible."""
    made = project.variables.create({"key": "TOKEN", "value": "s3cret-value", "masked_and_hidden": True})
    assert (made.value, made.hidden, made.masked) == (None, True, True)
    project.variables.update("TOKEN", {"value": "another-value"})
    assert project.variables.get("TOKEN").value is None


def test_group_variables_have_the_same_rules(local: LocalGitLab) -> None:
    """Created, listed, read, updated, deleted."""
    team = local.client().groups.create({"name": "Team", "path": "team"})
    team.variables.create({"key": "A", "value": "1", "description": "why"})
    team.variables.update("A", {"value": "2"})
    assert [(one.key, one.value, one.description) for one in team.variables.list(get_all=True)] == [("A", "2", "why")]
    assert team.variables.get("A").value == "2"
    team.variables.delete("A")
    assert team.variables.list(get_all=True) == []


def test_one_commit_of_many_actions(local: LocalGitLab, project: Project) -> None:
    """create, update, move, chmod and delete together; the tree shows the result."""
    body = {"branch": "main", "commit_message": "Start"}
    binary = base64.b64encode(b"\x00\xff").decode()
    project.commits.create(
        {
            **body,
            "actions": [
                {"action": "create", "file_path": "a.txt", "content": "one\n"},
                {"action": "create", "file_path": "bin/data", "content": binary, "encoding": "base64"},
                {"action": "create", "file_path": "run.sh", "content": "#!/bin/sh\n"},
            ],
        }
    )
    commit = project.commits.create(
        {
            **body,
            "commit_message": "Change\n\nall of it",
            "actions": [
                {"action": "update", "file_path": "a.txt", "content": "two\n"},
                {"action": "move", "file_path": "lib/data", "previous_path": "bin/data"},
                {"action": "chmod", "file_path": "run.sh", "execute_filemode": True},
                {"action": "delete", "file_path": "README.md"},
            ],
        }
    )
    assert (commit.title, commit.stats["total"] > 0) == ("Change", True)
    tree = {one["path"]: one["mode"] for one in project.repository_tree(recursive=True, get_all=True)}
    assert tree == {"lib": "040000", "a.txt": "100644", "lib/data": "100644", "run.sh": "100755"}
    assert project.files.raw("lib/data", ref="main") == b"\x00\xff"
    changed = {(one["old_path"], one["new_path"]) for one in commit.diff(get_all=True)}
    assert ("bin/data", "lib/data") in changed
    assert [one.title for one in project.commits.list(get_all=True, query_parameters={"path": "a.txt"})] == [
        "Change",
        "Start",
    ]
    compared = local.call("GET", f"/projects/{project.id}/repository/compare?from=main~1&to=main").json()
    assert [one["title"] for one in compared["commits"]] == ["Change"]


def test_a_commit_that_does_not_fit_is_refused_with_gitlabs_sentence(project: Project) -> None:
    """An existing file, a missing one, a stale last_commit_id, a path with dots."""
    for action, sentence in (
        ({"action": "create", "file_path": "README.md", "content": ""}, "A file with this name already exists"),
        ({"action": "update", "file_path": "none", "content": ""}, "A file with this name doesn't exist"),
        ({"action": "update", "file_path": "README.md", "content": "", "last_commit_id": "0" * 40}, "has changed"),
        ({"action": "create", "file_path": "../evil", "content": ""}, "path is not allowed"),
    ):
        with pytest.raises(gitlab.GitlabCreateError, match=sentence) as refused:
            project.commits.create({"branch": "main", "commit_message": "x", "actions": [action]})
        assert refused.value.response_code == 400


def test_start_branch_makes_the_branch_of_a_commit(project: Project) -> None:
    """A branch that is not there needs start_branch."""
    body = {"commit_message": "x", "actions": [{"action": "create", "file_path": "f", "content": "1"}]}
    with pytest.raises(gitlab.GitlabCreateError, match="only create or edit files when you are on a branch"):
        project.commits.create({**body, "branch": "feature"})
    project.commits.create({**body, "branch": "feature", "start_branch": "main"})
    assert {one.name for one in project.branches.list(get_all=True)} == {"feature", "main"}
    assert len(project.commits.list(get_all=True, ref_name="feature")) == 2


def test_single_files_are_written_and_described(local: LocalGitLab, project: Project) -> None:
    """Files API with slashes in paths; HEAD gives the facts as headers."""
    body = {"branch": "main", "commit_message": "x", "content": "text"}
    project.files.create({**body, "file_path": "docs/a b.md"})
    file = project.files.get("docs/a b.md", ref="main")
    assert (file.decode(), file.size, file.file_name) == (b"text", 4, "a b.md")
    change = {**body, "content": "more", "commit_message": "y"}
    assert (
        local.call("PUT", f"/projects/{project.id}/repository/files/docs%2Fa%20b%2Emd", json=change).status_code == 200
    )
    head = local.call("HEAD", f"/projects/{project.id}/repository/files/docs%2Fa%20b%2Emd?ref=main")
    assert (head.headers["X-Gitlab-Size"], head.headers["X-Gitlab-Encoding"]) == ("4", "base64")
    assert head.headers["X-Gitlab-Last-Commit-Id"] == project.commits.list(get_all=True)[0].id
    project.files.delete("docs/a b.md", branch="main", commit_message="z")
    with pytest.raises(gitlab.GitlabGetError, match="404 File Not Found"):
        project.files.get("docs/a b.md", ref="main")


def test_branches_and_tags(project: Project) -> None:
    """Made, listed, protected by wildcard, removed; the default branch stays."""
    project.branches.create({"branch": "release/1.0", "ref": "main"})
    project.protectedbranches.create({"name": "release/*", "push_access_level": 0})
    branch = project.branches.get("release/1.0")
    assert (branch.protected, branch.can_push, branch.default) == (True, False, False)
    with pytest.raises(gitlab.GitlabCreateError) as refused:
        project.protectedbranches.create({"name": "release/*"})
    assert refused.value.response_code == 409
    project.protectedbranches.delete("release/*")
    project.branches.delete("release/1.0")
    with pytest.raises(gitlab.GitlabDeleteError, match="Cannot remove HEAD branch"):
        project.branches.delete("main")
    project.tags.create({"tag_name": "v1", "ref": "main", "message": "First"})
    project.tags.create({"tag_name": "v2", "ref": "main"})
    assert {one.name: one.message for one in project.tags.list(get_all=True)} == {"v1": "First", "v2": ""}
    project.tags.delete("v1")
    assert [one.name for one in project.tags.list(get_all=True)] == ["v2"]


def test_an_empty_project_has_no_default_branch(local: LocalGitLab) -> None:
    """GitLab answers null until the first push; the first branch of all becomes the default."""
    project = local.client().projects.create({"name": "bare"})
    assert (project.empty_repo, project.default_branch) == (True, None)
    action = {"action": "create", "file_path": "f", "content": "1"}
    project.commits.create({"branch": "trunk", "commit_message": "x", "actions": [action]})
    read = local.client().projects.get(project.id)
    assert (read.empty_repo, read.default_branch) == (False, "trunk")
    assert [one.name for one in read.protectedbranches.list(get_all=True)] == ["trunk"]


def test_state_survives_a_restart(tmp_path: Path) -> None:
    """A second server over the same directory has the project, its files, its variables and its pending job."""
    with fresh_gitlab(tmp_path) as first:
        project = first.client().projects.create({"name": "app", "initialize_with_readme": True})
        project.variables.create({"key": "A", "value": "1"})
        body = {"branch": "main", "commit_message": "CI", "content": "build:\n  script: [make]\n"}
        project.files.create({**body, "file_path": ".gitlab-ci.yml"})
    with running(first.settings) as second:
        again = second.client().projects.get("root/app")
        assert [one.key for one in again.variables.list(get_all=True)] == ["A"]
        assert second.runner().do() == "build"
        assert [one.status for one in again.pipelines.list(get_all=True)] == ["success"]


def test_a_stranger_path_is_a_404_and_a_wrong_method_a_405(local: LocalGitLab) -> None:
    """As GitLab's API layer answers."""
    assert requests.get(f"{local.url}/api/v4/nothing", timeout=5).json() == {"error": "404 Not Found"}
    assert requests.delete(f"{local.url}/api/v4/projects", timeout=5).status_code == 405
    assert requests.get(f"{local.url}/-/health", timeout=5).status_code == 200
