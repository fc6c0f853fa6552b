"""Access tokens of a group, which a project has made for itself, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Recorder, Rehearsal, SteppingClock, rehearse

from sledgehammer.changes import Action
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.settings import Settings
from sledgehammer_gitlab.token_settings import AccessScope, AccessToken, Role

BOT = AccessToken(scopes=(AccessScope.READ_API,), variable="BOT_TOKEN", role=Role.REPORTER, expires_days=60)


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    """A project with a token of its own and one of its group by the same title in another project's name."""
    with rehearse(gitlab_url, tmp_path, Settings(project="team/sub/web")) as made:
        made.clock = SteppingClock(start=datetime.now(UTC))  # the server's tokens end by its own clock
        made.api("POST", "/groups", {"name": made.group, "path": made.group})
        end = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
        theirs = {"name": "bot [sledge by=team/other]", "scopes": ["read_api"], "access_level": 20, "expires_at": end}
        made.api("POST", f"/groups/{made.group}/access_tokens", theirs)
        wanted = {"bot": replace(BOT, group=made.group), "own": replace(BOT, variable="OWN_TOKEN")}
        made.settings = replace(made.settings, access_tokens=wanted)
        yield made


def living(here: Rehearsal) -> list[Any]:
    """The group's tokens that we made and that still open something."""
    rows = here.api("GET", f"/groups/{here.group}/access_tokens")
    assert [row["name"] for row in rows if row["active"]].count("bot [sledge by=team/other]") == 1
    return [row for row in rows if row["active"] and "team/other" not in row["name"]]


def pending(here: Rehearsal) -> list[tuple[Action, str]]:
    return [(change.action, change.address) for change in here.connect().plan().pending]


def kept(here: Rehearsal) -> dict[str, str]:
    """By variable, the description without the token's id."""
    rows = here.api("GET", f"{here.project}/variables")
    return {row["key"]: row["description"].partition(" [")[0] for row in rows}


def assert_settled(here: Rehearsal) -> None:
    assert pending(here) == []
    assert [row["name"] for row in living(here)] == [f"bot [sledge by={here.path}]"]
    assert kept(here) == {"BOT_TOKEN": f"token of group {here.group} bot", "OWN_TOKEN": "access token own"}


def test_a_groups_token_is_kept_in_the_project_that_asks_for_it(here: Rehearsal, recorder: Recorder) -> None:
    """With its role, beside one of the project's own; both are there once."""
    here.apply()
    assert_settled(here)
    (token,) = living(here)
    assert (token["access_level"], token["scopes"]) == (20, ["read_api"])
    recorder.check()
    recorder.exchanges.clear()
    here.apply()
    assert recorder.writes == []


def test_a_groups_token_that_nears_its_end_is_replaced(here: Rehearsal) -> None:
    """As one of the project's is."""
    here.apply()
    (old,) = living(here)
    here.clock.sleep(50 * 86_400)
    assert (Action.UPDATE, f"gitlab_group_access_token {here.group} bot") in pending(here)
    here.apply()
    assert_settled(here)
    assert living(here)[0]["id"] != old["id"]


def test_a_groups_token_goes_once_it_is_named_no_more(here: Rehearsal) -> None:
    """Though its group is named no more either: the project's variable tells it."""
    here.apply()
    here.settings = replace(here.settings, access_tokens={"own": replace(BOT, variable="OWN_TOKEN")})
    assert pending(here) == [(Action.DELETE, f"gitlab_group_access_token {here.group} bot")]
    here.apply()
    assert living(here) == []
    assert kept(here) == {"OWN_TOKEN": "access token own"}


def test_a_destruction_ends_the_groups_token_too(here: Rehearsal) -> None:
    """It would outlive the project."""
    here.apply()
    here.connect().destroy(on_change=lambda change: None)
    assert here.api("GET", here.project) is None
    assert living(here) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_answer_leaves_no_second_token_of_a_group(here: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection, when it is made and when it is replaced."""
    tokens = f"/groups/{here.group}/access_tokens"
    rules = [{"fault": fault, "method": "POST", "path": f"{tokens}$", "calls": [1]}]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert_settled(here)
    wanted = {**(here.settings.access_tokens or {}), "bot": replace(BOT, group=here.group, role=Role.GUEST)}
    here.settings = replace(here.settings, access_tokens=wanted)
    rules.append({"fault": fault, "method": "DELETE", "path": f"{tokens}/", "calls": [1]})
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) == 2
    assert_settled(here)
    assert living(here)[0]["access_level"] == 10


class Killed(BaseException):
    """Ends a run as SIGKILL would."""


@pytest.fixture
def with_a_token_nobody_holds(here: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    """The first apply died after the group's token was made, before anything could be done with it."""

    def die(api: Api, path: str, body: Any, **more: Any) -> None:
        make(api, path, body, **more)
        raise Killed

    make = Api.create_shown_once
    here.settings = replace(here.settings, access_tokens={"bot": replace(BOT, group=here.group)})
    monkeypatch.setattr(Api, "create_shown_once", die)
    with pytest.raises(Killed):
        here.apply()
    monkeypatch.undo()
    assert len(living(here)) == 1
    return here


def test_a_token_whose_apply_died_is_found_though_it_is_named_no_more(with_a_token_nobody_holds: Rehearsal) -> None:
    """Nothing but the project tells of its group any more."""
    here = with_a_token_nobody_holds
    here.settings = replace(here.settings, access_tokens={})
    assert (Action.DELETE, f"gitlab_group_access_token {here.group} bot") in pending(here)
    here.apply()
    assert (living(here), kept(here), pending(here)) == ([], {}, [])


def test_a_token_whose_apply_died_ends_with_the_project(with_a_token_nobody_holds: Rehearsal) -> None:
    """A destruction finds it, too."""
    here = with_a_token_nobody_holds
    here.settings = replace(here.settings, access_tokens=None)
    here.connect().destroy(on_change=lambda change: None)
    assert (living(here), here.api("GET", here.project)) == ([], None)


def test_a_token_whose_apply_died_is_replaced_by_the_next(with_a_token_nobody_holds: Rehearsal) -> None:
    """The variable that was to hold it holds the new one."""
    here = with_a_token_nobody_holds
    (lost,) = living(here)
    here.apply()
    (token,) = living(here)
    assert token["id"] != lost["id"]
    assert pending(here) == []
    (row,) = here.api("GET", f"{here.project}/variables")
    assert row["description"].endswith(f"[sledge token={token['id']}]")
    assert (row["masked"], row["hidden"]) == (True, True)
