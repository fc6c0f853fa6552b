"""Who may do what: tokens, scopes, levels, and what hidden things answer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import gitlab
import pytest
import requests
from gitlab_local import ROOT, TWO_STAGES, LocalGitLab, checkout_of, fresh_gitlab

NEXT_MONTH = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()


def test_no_credential_and_a_wrong_one_are_401(local: LocalGitLab) -> None:
    """The body is GitLab's."""
    for token in (None, "glpat-wrong"):
        answer = local.call("GET", "/user", token=token)
        assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_a_token_is_taken_in_every_place_gitlab_takes_it(local: LocalGitLab) -> None:
    """PRIVATE-TOKEN, Authorization: Bearer, and the parameter."""
    assert local.call("GET", "/user", token=None, headers={"Authorization": f"Bearer {ROOT}"}).status_code == 200
    assert local.call("GET", "/user").json()["username"] == "root"
    in_query = requests.get(f"{local.url}/api/v4/user?private_token={ROOT}", timeout=10)
    assert in_query.json()["username"] == "root"


def test_a_job_token_opens_the_few_routes_of_jobs(local: LocalGitLab) -> None:
    """`GET /job` and artifacts while the job runs; nothing else of the API."""
    project = local.client().projects.create({"name": "app"})
    action = {"action": "create", "file_path": ".gitlab-ci.yml", "content": TWO_STAGES}
    project.commits.create({"branch": "main", "commit_message": "CI", "actions": [action]})
    job = local.runner().take()
    headers = {"JOB-TOKEN": job["token"]}
    mine = local.call("GET", "/job", token=None, headers=headers)
    assert mine.json()["id"] == job["id"]
    assert local.call("GET", f"/projects/{project.id}", token=None, headers=headers).status_code == 401
    local.runner().end(job)
    assert local.call("GET", "/job", token=None, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("read_user", "GET", "/user", 200),
        ("read_user", "GET", "/projects", 403),
        ("read_api", "GET", "/projects", 200),
        ("read_api", "POST", "/projects", 403),
        ("read_repository", "GET", "/user", 403),
        ("create_runner", "POST", "/user/runners", 201),
        ("create_runner", "GET", "/projects", 403),
        ("read_repository", "GET", "/personal_access_tokens/self", 200),
    ],
)
def test_scopes_open_their_routes_and_no_others(
    local: LocalGitLab, scope: str, method: str, path: str, status: int
) -> None:
    """A token without the scope is told so as RFC 6750 words it."""
    body = {"/projects": {"name": "x"}, "/user/runners": {"runner_type": "instance_type"}}.get(path)
    token = local.token_of(1, scope)
    answer = local.call(method, path, token=token, json=body if method == "POST" else None)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"] == "insufficient_scope"


def test_a_private_project_does_not_exist_for_others(local: LocalGitLab) -> None:
    """404 by id and by path for a stranger and for nobody; 403 for a member without the level."""
    ada, bob = local.user("ada"), local.user("bob")
    project = local.client(ada).projects.create({"name": "secret"})
    for key in (str(project.id), "ada%2Fsecret"):
        for token in (bob, None):
            answer = local.call("GET", f"/projects/{key}", token=token)
            assert (answer.status_code, answer.json()["message"]) == (404, "404 Project Not Found")
    assert [one.path for one in local.client(bob).projects.list(get_all=True)] == []
    bob_id = local.client(bob).http_get("/user")["id"]  # type: ignore[index]
    project.members.create({"user_id": bob_id, "access_level": 20})
    assert local.client(bob).projects.get(project.id).path == "secret"
    assert local.call("GET", f"/projects/{project.id}/variables", token=bob).status_code == 403
    assert local.call("DELETE", f"/projects/{project.id}", token=bob).status_code == 403


def test_levels_are_inherited_from_groups_above(local: LocalGitLab) -> None:
    """A maintainer of the top group maintains the projects of its subgroups."""
    ada = local.user("ada")
    root = local.client()
    team = root.groups.create({"name": "Team", "path": "team"})
    web = root.groups.create({"name": "Web", "path": "web", "parent_id": team.id})
    project = root.projects.create({"name": "site", "namespace_id": web.id})
    ada_id = local.client(ada).http_get("/user")["id"]  # type: ignore[index]
    team.members.create({"user_id": ada_id, "access_level": 40})
    seen = local.client(ada).projects.get("team/web/site")
    assert seen.permissions["group_access"]["access_level"] == 40
    seen.variables.create({"key": "A", "value": "1"})
    assert [one.key for one in project.variables.list(get_all=True)] == ["A"]
    everybody = {one.username: one.access_level for one in project.members_all.list(get_all=True)}
    assert everybody == {"root": 50, "ada": 40}


def test_revoked_and_expired_tokens_say_which(local: LocalGitLab) -> None:
    """401 with invalid_token; a token cannot be made to have ended already."""
    made = local.call("POST", "/users/1/personal_access_tokens", json={"name": "t", "scopes": ["api"]}).json()
    local.client().personal_access_tokens.delete(made["id"])
    answer = local.call("GET", "/user", token=made["token"])
    assert answer.status_code == 401
    assert "revoked" in answer.json()["error_description"]
    past = {"name": "t", "scopes": ["api"], "expires_at": "2020-01-01"}
    assert local.call("POST", "/users/1/personal_access_tokens", json=past).status_code == 400


def test_a_project_access_token_reaches_its_project_alone(local: LocalGitLab) -> None:
    """Its bot is a member at the token's level; revoking it ends it."""
    client = local.client()
    mine, other = client.projects.create({"name": "mine"}), client.projects.create({"name": "other"})
    token = mine.access_tokens.create({"name": "bot", "scopes": ["api"], "access_level": 30, "expires_at": NEXT_MONTH})
    assert token.token.startswith("glpat-")
    assert [one.path for one in local.client(token.token).projects.list(get_all=True)] == ["mine"]
    assert local.call("GET", f"/projects/{other.id}", token=token.token).status_code == 404
    assert local.call("GET", f"/projects/{mine.id}/variables", token=token.token).status_code == 403
    assert "token" not in mine.access_tokens.list(get_all=True)[0].attributes
    mine.access_tokens.delete(token.id)
    assert local.call("GET", "/user", token=token.token).status_code == 401
    assert [one.revoked for one in mine.access_tokens.list(get_all=True)] == [True]


def test_group_access_tokens_reach_the_projects_below(local: LocalGitLab) -> None:
    """And nothing beside the group."""
    client = local.client()
    team = client.groups.create({"name": "Team", "path": "team"})
    inside = client.projects.create({"name": "inside", "namespace_id": team.id})
    outside = client.projects.create({"name": "outside"})
    token = team.access_tokens.create(
        {"name": "bot", "scopes": ["read_api"], "access_level": 40, "expires_at": NEXT_MONTH}
    )
    assert local.call("GET", f"/projects/{inside.id}", token=token.token).status_code == 200
    assert local.call("GET", f"/projects/{outside.id}", token=token.token).status_code == 404


def test_a_second_deploy_token_of_the_same_name_is_a_second_token(local: LocalGitLab) -> None:
    """GitLab makes silent duplicates; the text is shown once."""
    project = local.client().projects.create({"name": "app"})
    body = {"name": "puller", "scopes": ["read_registry"]}
    first, second = project.deploytokens.create(body), project.deploytokens.create(body)
    assert first.id != second.id
    assert first.username == f"gitlab+deploy-token-{first.id}"
    listed = project.deploytokens.list(get_all=True)
    assert [("token" in one.attributes) for one in listed] == [False, False]
    project.deploytokens.delete(first.id)
    assert [one.id for one in project.deploytokens.list(get_all=True)] == [second.id]


def test_git_asks_for_a_credential_and_checks_its_scope(local: LocalGitLab, tmp_path: Path) -> None:
    """No token: 401; read_repository fetches and does not push; a stranger is told nothing."""
    project = local.client().projects.create({"name": "app"})
    work = checkout_of(project, tmp_path / "work")
    work.commit({"README.md": "hi"})
    assert work.push().returncode == 0
    assert "could not read Username" in work.git("ls-remote", work.remote).stderr
    reader = local.token_of(1, "read_repository")
    url = work.remote.replace("://", f"://any:{reader}@")
    assert work.git("ls-remote", url).returncode == 0
    assert "403" in work.push(token=reader).stderr
    stranger = work.remote.replace("://", f"://any:{local.user('bob')}@")
    assert "not found" in work.git("ls-remote", stranger).stderr


def test_a_protected_branch_refuses_developers_and_force(local: LocalGitLab, tmp_path: Path) -> None:
    """Developers push to other branches; maintainers push but do not force; nobody deletes by git."""
    project = local.client().projects.create({"name": "app"})
    work = checkout_of(project, tmp_path / "work")
    work.commit({".gitlab-ci.yml": TWO_STAGES})
    work.push()
    ada = local.user("ada")
    ada_id = local.client(ada).http_get("/user")["id"]  # type: ignore[index]
    project.members.create({"user_id": ada_id, "access_level": 30})
    work.commit({"a": "1"})
    assert "not allowed to push code to protected branches" in work.push(token=ada).stderr
    assert work.push("main:feature", token=ada).returncode == 0
    work.git("commit", "--amend", "--quiet", "--message", "Other", "--date", "2001-01-01T00:00:00Z")
    assert work.push().returncode == 0
    work.git("commit", "--amend", "--quiet", "--message", "Rewritten")
    assert "not allowed to force push" in work.push("--force", "main").stderr
    assert "only delete protected branches" in work.push(":main").stderr
    assert work.push(":feature", token=ada).returncode == 0
    with pytest.raises(gitlab.GitlabCreateError, match="not allowed to push into this branch"):
        local.client(ada).projects.get(project.id).files.create(
            {"file_path": "b", "branch": "main", "content": "x", "commit_message": "x"}
        )


def test_only_an_administrator_makes_users(local: LocalGitLab) -> None:
    """Ordinary users are refused; a name that is taken is a conflict."""
    ada = local.user("ada")
    body = {"username": "eve", "name": "Eve", "email": "eve@example.com", "password": "correct horse"}
    assert local.call("POST", "/users", token=ada, json=body).status_code == 403
    assert local.call("POST", "/users", json={**body, "username": "ada"}).status_code == 409
    assert local.call("POST", "/users", json={**body, "password": "short"}).status_code == 400
    assert [one.username for one in local.client().users.list(username="ada", get_all=True)] == ["ada"]


def test_rate_limits_are_told_and_when_set_enforced(tmp_path: Path) -> None:
    """RateLimit headers always; past the limit 429 with Retry-After and GitLab's text."""
    with fresh_gitlab(tmp_path, rate_limit_per_minute=3) as local:
        answers = [local.call("GET", "/version") for _ in range(7)]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.text == "Retry later\n"
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit-Remaining"] == "0"


def test_faults_are_scripted_over_http(local: LocalGitLab) -> None:
    """A scripted 500 comes back once; the next call is well."""
    script = {"rules": [{"fault": "error_before", "path": "/api/v4/version", "calls": [1]}]}
    assert requests.post(f"{local.url}/-/faults", json=script, timeout=5).status_code == 200
    assert [local.call("GET", "/version").status_code for _ in range(2)] == [500, 200]
