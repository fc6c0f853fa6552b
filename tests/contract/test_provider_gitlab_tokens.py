"""Deploy and access tokens from their creation to their end, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from call_faults import FAULTS
from gitlab_rehearsal import Recorder, Rehearsal, SteppingClock, rehearse

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, ConflictError, RemoteError
from sledgehammer_gitlab.settings import Settings
from sledgehammer_gitlab.token_settings import AccessScope, AccessToken, DeployScope, DeployToken, Role

PULL = DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN", username="puller", expires_days=60)
BOT = AccessToken(scopes=(AccessScope.READ_API,), variable="BOT_TOKEN", role=Role.REPORTER, expires_days=60)
BOTH = Settings(project="team/sub/web", deploy_tokens={"pull": PULL}, access_tokens={"bot": BOT})


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, BOTH) as made:
        made.clock = SteppingClock(start=datetime.now(UTC))  # the server's tokens end by its own clock
        yield made


def living(here: Rehearsal, kind: str) -> list[Any]:
    """Tokens that still open something."""
    rows = here.api("GET", f"{here.project}/{kind}_tokens")
    return [row for row in rows if not row["revoked"]]


def kept(here: Rehearsal) -> dict[str, str]:
    """By variable, the id of the token that it holds."""
    rows = here.api("GET", f"{here.project}/variables")
    return {row["key"]: row["description"].partition("token=")[2].rstrip("]") for row in rows}


def pending(here: Rehearsal) -> list[tuple[Action, str, list[str]]]:
    return [
        (change.action, change.kind, [item.name for item in change.attributes])
        for change in here.connect().plan().pending
    ]


def assert_settled(here: Rehearsal) -> None:
    """One living token of each kind, its text in its variable, and nothing to do."""
    assert pending(here) == []
    (deploy,), (access,) = living(here, "deploy"), living(here, "access")
    assert kept(here) == {"PULL_TOKEN": str(deploy["id"]), "BOT_TOKEN": str(access["id"])}


def test_a_tokens_text_goes_into_a_hidden_variable_and_nowhere_else(here: Rehearsal, recorder: Recorder) -> None:
    """Name, scopes, role and end are as asked; what the plan and the apply tell has no text."""
    told: list[object] = []
    here.connect().apply(on_change=told.append)
    assert_settled(here)
    (deploy,), (access,) = living(here, "deploy"), living(here, "access")
    end = (here.clock.now().date() + timedelta(days=60)).isoformat()
    assert (deploy["name"], deploy["username"], deploy["scopes"]) == ("pull [sledge]", "puller", ["read_registry"])
    assert (access["name"], access["access_level"], access["scopes"]) == ("bot [sledge]", 20, ["read_api"])
    assert (deploy["expires_at"][:10], access["expires_at"]) == (end, end)
    (made,) = [one.answer for one in recorder.exchanges if one.path.endswith("/access_tokens") and one.method == "POST"]
    assert here.api("GET", f"{here.project}", token=made["token"])["path_with_namespace"] == here.path
    row = here.api("GET", f"{here.project}/variables/BOT_TOKEN")
    assert (row["value"], row["masked"], row["hidden"]) == (None, True, True)
    assert made["token"] not in repr(told)
    recorder.check()


CHANGED = [
    ({"deploy_tokens": {"pull": replace(PULL, scopes=(DeployScope.READ_REPOSITORY,))}}, "deploy", "scopes"),
    ({"deploy_tokens": {"pull": replace(PULL, username="other")}}, "deploy", "username"),
    ({"deploy_tokens": {"pull": replace(PULL, expires_days=30)}}, "deploy", "expires"),
    ({"deploy_tokens": {"pull": replace(PULL, expires_days=None)}}, "deploy", "expires"),
    ({"deploy_tokens": {"pull": replace(PULL, variable="OTHER")}}, "deploy", "kept in"),
    ({"access_tokens": {"bot": replace(BOT, scopes=(AccessScope.API,))}}, "access", "scopes"),
    ({"access_tokens": {"bot": replace(BOT, role=Role.DEVELOPER)}}, "access", "role"),
    ({"access_tokens": {"bot": replace(BOT, expires_days=30)}}, "access", "expires"),
    ({"access_tokens": {"bot": replace(BOT, variable="OTHER")}}, "access", "kept in"),
]


@pytest.mark.parametrize(("settings", "kind", "attribute"), CHANGED)
def test_a_token_that_shall_be_another_is_replaced(
    here: Rehearsal, settings: dict[str, Any], kind: str, attribute: str
) -> None:
    """GitLab changes no token: a new one is made and kept, and the old one ends."""
    here.apply()
    (before,) = living(here, kind)
    here.settings = replace(here.settings, **settings)
    assert pending(here) == [(Action.UPDATE, f"gitlab_{kind}_token", [attribute])]
    here.apply()
    assert pending(here) == []
    (after,) = living(here, kind)
    assert after["id"] != before["id"]
    assert str(after["id"]) in kept(here).values()
    assert len(kept(here)) == 2


def test_who_sees_the_variable_is_changed_without_a_new_token(here: Rehearsal, recorder: Recorder) -> None:
    """The text stays, so no new one is needed."""
    here.apply()
    (before,) = living(here, "deploy")
    here.settings = replace(here.settings, deploy_tokens={"pull": replace(PULL, protected=True)})
    assert pending(here) == [(Action.UPDATE, "gitlab_deploy_token", ["protected variable"])]
    here.apply()
    assert pending(here) == []
    assert living(here, "deploy") == [before]
    assert here.api("GET", f"{here.project}/variables/PULL_TOKEN")["protected"] is True
    recorder.check()


def test_a_token_that_nears_its_end_is_replaced(here: Rehearsal) -> None:
    """Fourteen days before, and not one day earlier."""
    here.apply()
    old = {kind: living(here, kind)[0]["id"] for kind in ("deploy", "access")}
    start = here.clock.now()
    here.clock = SteppingClock(start=start + timedelta(days=45))
    assert pending(here) == []
    here.clock = SteppingClock(start=start + timedelta(days=46))
    assert {(action, *names) for action, _, names in pending(here)} == {(Action.UPDATE, "expires")}
    here.apply()
    assert_settled(here)
    assert {kind: living(here, kind)[0]["id"] for kind in old} != old


def _revoke(here: Rehearsal) -> None:
    for kind in ("deploy", "access"):
        here.api("DELETE", f"{here.project}/{kind}_tokens/{living(here, kind)[0]['id']}")


def _lose(here: Rehearsal) -> None:
    for key in kept(here):
        here.api("DELETE", f"{here.project}/variables/{key}")


def _copy(here: Rehearsal) -> None:
    for kind, scope in (("deploy", "read_registry"), ("access", "read_api")):
        title = {"deploy": "pull", "access": "bot"}[kind]
        end = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
        body = {"name": f"{title} [sledge]", "scopes": [scope], "expires_at": end}
        here.api("POST", f"{here.project}/{kind}_tokens", body)


@pytest.mark.parametrize("drift", [_revoke, _lose, _copy])
def test_what_was_revoked_lost_or_doubled_by_hand_is_put_right(here: Rehearsal, drift: Any) -> None:
    """The plan shows it, and one apply leaves one token with a known text."""
    here.apply()
    drift(here)
    assert {kind for _, kind, _ in pending(here)} == {"gitlab_deploy_token", "gitlab_access_token"}
    here.apply()
    assert_settled(here)


def test_a_token_that_sledge_yaml_names_no_more_goes_with_its_variable(here: Rehearsal, recorder: Recorder) -> None:
    """A person's token stays; a key that is not written at all leaves everything alone."""
    here.apply()
    body = {"name": "theirs", "scopes": ["read_registry"]}
    here.api("POST", f"{here.project}/deploy_tokens", body)
    here.settings = replace(here.settings, deploy_tokens=None, access_tokens={})
    assert pending(here) == [(Action.DELETE, "gitlab_access_token", [])]
    here.apply()
    assert pending(here) == []
    here.settings = replace(here.settings, deploy_tokens={})
    here.apply()
    assert [row["name"] for row in living(here, "deploy")] == ["theirs"]
    assert (living(here, "access"), kept(here)) == ([], {})
    recorder.check()


def test_a_token_that_was_revoked_by_hand_and_is_named_no_more_leaves_no_variable(here: Rehearsal) -> None:
    """Its variable still says that it is ours."""
    here.apply()
    _revoke(here)
    here.settings = replace(here.settings, deploy_tokens={}, access_tokens={})
    here.apply()
    assert kept(here) == {}
    assert pending(here) == []


def test_a_destruction_in_a_project_of_others_ends_our_tokens_alone(here: Rehearsal) -> None:
    """Ours go with their variables."""
    here.apply()
    here.api("PUT", here.project, {"topics": []})
    here.api("POST", f"{here.project}/deploy_tokens", {"name": "theirs", "scopes": ["read_registry"]})
    here.connect().destroy(on_change=lambda change: None)
    assert [row["name"] for row in living(here, "deploy")] == ["theirs"]
    assert (living(here, "access"), kept(here)) == ([], {})


def test_a_variable_that_holds_something_else_is_not_taken(here: Rehearsal, recorder: Recorder) -> None:
    """A conflict before the first write."""
    here.settings = replace(here.settings, deploy_tokens=None, access_tokens=None)
    here.apply()
    here.api("POST", f"{here.project}/variables", {"key": "BOT_TOKEN", "value": "mine"})
    here.settings = replace(BOTH, project=here.path)
    recorder.exchanges.clear()
    with pytest.raises(ConflictError, match=r"variable BOT_TOKEN of .* holds something else"):
        here.apply()
    assert recorder.writes == []


def test_an_end_that_comes_before_the_replacement_is_refused() -> None:
    """It could never be replaced in time."""
    with pytest.raises(ConfigurationError, match="ends after 10 days cannot be replaced 14 days before"):
        AccessToken(scopes=(AccessScope.API,), variable="X", expires_days=10)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_answer_leaves_no_second_token(here: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection, at the creation of each token and of its variable."""
    rules = [
        {"fault": fault, "method": "POST", "path": path, "calls": calls}
        for path, calls in (("/deploy_tokens$", [1]), ("/access_tokens$", [1]), ("/variables$", [1, 2]))
    ]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) == 4
    assert_settled(here)


def test_a_token_that_could_not_be_kept_is_replaced_by_the_next_apply(here: Rehearsal) -> None:
    """The variable cannot be written for a while: the token that was made is lost, then revoked."""
    rule = {"fault": "error_before", "method": "POST", "path": "/variables$", "calls": []}
    here.ask("POST", "/-/faults", {"rules": [rule]})
    with pytest.raises(RemoteError, match="variables"):
        here.apply()
    here.ask("DELETE", "/-/faults")
    (note,) = {change.note for change in here.connect().plan().pending if change.note}
    assert "its text is lost" in note
    here.apply()
    assert_settled(here)


def test_tokens_of_requests_that_all_failed_are_revoked(here: Rehearsal) -> None:
    """Each attempt had its effect and lost its answer: none of the tokens lives on where nobody knows it."""
    rule = {"fault": "error_after", "method": "POST", "path": "/deploy_tokens$", "calls": []}
    here.ask("POST", "/-/faults", {"rules": [rule]})
    with pytest.raises(RemoteError, match="deploy_tokens"):
        here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) > 1
    assert living(here, "deploy") == []


class Killed(BaseException):
    """The process is gone: no error handling of the adapter may see it as a failure."""


def kill_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """So many writes are answered; the next one has its effect, and its answer is never seen."""
    send, sent = requests.Session.send, [0]

    def killed(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = send(session, request, **options)
        sent[0] += request.method != "GET"
        if sent[0] > writes:
            raise Killed
        return response

    monkeypatch.setattr(requests.Session, "send", killed)


@pytest.mark.parametrize("writes", range(2 * 2))
def test_a_creation_killed_at_any_write_is_finished_by_the_next_apply(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Token, variable, token, variable: whichever is the last, the next apply leaves one token of each."""
    here.settings = replace(here.settings, deploy_tokens={}, access_tokens={})
    here.apply()
    here.settings = replace(BOTH, project=here.path)
    with monkeypatch.context() as patched:
        kill_after(patched, writes)
        with pytest.raises(Killed):
            here.apply()
    here.apply()
    assert_settled(here)


def test_runs_that_are_killed_at_their_first_write_leave_no_heap_of_tokens(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost token is revoked before another is made."""
    here.settings = replace(here.settings, deploy_tokens={}, access_tokens=None)
    here.apply()
    here.settings = replace(BOTH, project=here.path, access_tokens=None)
    for _ in range(4):
        with monkeypatch.context() as patched:
            kill_after(patched, 0)
            with pytest.raises(Killed):
                here.apply()
        assert len(living(here, "deploy")) <= 1
    here.apply()
    assert len(living(here, "deploy")) == 1


@pytest.mark.parametrize("writes", range(2 * 3))
def test_a_replacement_killed_at_any_write_is_finished_by_the_next_apply(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """New token, its variable, the old one's end, twice; until it is finished a kept token works all the while."""
    here.apply()
    here.settings = replace(
        here.settings,
        deploy_tokens={"pull": replace(PULL, username="other")},
        access_tokens={"bot": replace(BOT, role=Role.GUEST)},
    )
    with monkeypatch.context() as patched:
        kill_after(patched, writes)
        with pytest.raises(Killed):
            here.apply()
    alive = {str(row["id"]) for kind in ("deploy", "access") for row in living(here, kind)}
    assert set(kept(here).values()) <= alive
    here.apply()
    assert_settled(here)
