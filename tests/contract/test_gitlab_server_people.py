"""Members, users and their tokens over REST, every exchange checked against GitLab's own description."""

from datetime import UTC, datetime, timedelta

import pytest
from gitlab_local import LocalGitLab

NEXT_MONTH = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@pytest.fixture(params=["projects", "groups"])
def place(request: pytest.FixtureRequest, local: LocalGitLab) -> str:
    """A group or a project of a group: both have members and tokens by the same rules."""
    client = local.client()
    team = client.groups.create({"name": "Team", "path": "team"})
    if request.param == "groups":
        return f"/groups/{team.id}"
    return f"/projects/{client.projects.create({'name': 'app', 'namespace_id': team.id}).id}"


def test_a_member_is_added_changed_and_removed(local: LocalGitLab, place: str) -> None:
    """Found by id and by search with the level it has; gone after its removal."""
    local.user("ada")
    ada = local.client().users.list(username="ada", get_all=True)[0].id
    local.call("POST", f"{place}/members", json={"user_id": ada, "access_level": 30})

    changed = local.call("PUT", f"{place}/members/{ada}", json={"access_level": 40})

    assert (changed.status_code, changed.json()["access_level"]) == (200, 40)
    assert local.call("GET", f"{place}/members/{ada}").json()["username"] == "ada"
    assert [one["id"] for one in local.call("GET", f"{place}/members", params={"query": "ada"}).json()] == [ada]
    assert ada in {one["id"] for one in local.call("GET", f"{place}/members/all").json()}
    assert local.call("DELETE", f"{place}/members/{ada}").status_code == 204
    assert local.call("GET", f"{place}/members/{ada}").status_code == 404


def test_an_access_token_is_shown_rotated_and_revoked(local: LocalGitLab, place: str) -> None:
    """Its text is told once; a rotated token's old text is dead and the new one works until it is revoked."""
    body = {"name": "ci", "scopes": ["read_api"], "expires_at": NEXT_MONTH}
    made = local.call("POST", f"{place}/access_tokens", json=body).json()
    shown = local.call("GET", f"{place}/access_tokens/{made['id']}").json()

    rotated = local.call("POST", f"{place}/access_tokens/{made['id']}/rotate", json={"expires_at": NEXT_MONTH}).json()

    assert (shown["name"], shown.get("token")) == ("ci", None)
    assert local.call("GET", place, token=made["token"]).status_code == 401
    assert local.call("GET", place, token=rotated["token"]).status_code == 200
    listed = local.call("GET", f"{place}/access_tokens", params={"state": "active"}).json()
    assert [one["id"] for one in listed] == [rotated["id"]]
    assert local.call("DELETE", f"{place}/access_tokens/{rotated['id']}").status_code == 204
    assert local.call("GET", place, token=rotated["token"]).status_code == 401


def test_a_deploy_token_is_shown_without_its_text_and_gone_when_revoked(local: LocalGitLab, place: str) -> None:
    """The same for groups as for projects."""
    made = local.call("POST", f"{place}/deploy_tokens", json={"name": "pull", "scopes": ["read_registry"]}).json()

    shown = local.call("GET", f"{place}/deploy_tokens/{made['id']}").json()

    assert (shown["name"], shown["scopes"], shown.get("token")) == ("pull", ["read_registry"], None)
    assert [one["id"] for one in local.call("GET", f"{place}/deploy_tokens").json()] == [made["id"]]
    assert local.call("DELETE", f"{place}/deploy_tokens/{made['id']}").status_code == 204
    assert local.call("GET", f"{place}/deploy_tokens/{made['id']}").status_code == 404


def test_people_see_themselves_and_their_own_tokens(local: LocalGitLab) -> None:
    """A user by id with the projects of the user's namespace; a token may end itself."""
    token = local.user("ada")
    me = local.client(token)
    me.auth()
    assert me.user is not None
    mine = me.projects.create({"name": "app"})

    assert local.call("GET", f"/users/{me.user.id}", token=token).json()["username"] == "ada"
    assert [one["id"] for one in local.call("GET", f"/users/{me.user.id}/projects", token=token).json()] == [mine.id]
    (own,) = local.call("GET", "/personal_access_tokens", token=token).json()
    assert (own["user_id"], own["active"]) == (me.user.id, True)
    assert local.call("DELETE", "/personal_access_tokens/self", token=token).status_code == 204
    assert local.call("GET", "/metadata", token=token).status_code == 401
    assert local.call("GET", "/metadata").json()["version"] == local.call("GET", "/version").json()["version"]
