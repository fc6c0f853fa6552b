"""A project that GitLab fills from another repository, against the local GitLab, which really fetches it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Recorder, Rehearsal, rehearse
from read_faults import READ_FAULTS, Read, assert_told_in_one_error, error_of, failing_for_good, load, met

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, ConflictError, RemoteError
from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.provisioning.json_form import to_json
from sledgehammer_gitlab.import_settings import ImportFrom
from sledgehammer_gitlab.settings import Settings
from sledgehammer_gitlab.upkeep_settings import CiSettings

SETTINGS = Settings(project="team/sub/web", ci=CiSettings(git_depth=5))


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    """A checkout of a private project that has a branch and a tag of its own, and is to be imported."""
    with rehearse(gitlab_url, tmp_path, SETTINGS) as made:
        source = f"{made.group}-source"
        made.api("POST", "/projects", {"name": source})
        url = f"{gitlab_url}/root/{source}.git"
        login = base64.b64encode(f"root:{ROOT_TOKEN}".encode()).decode()
        made.git("branch", "other")
        made.git("tag", "v1")
        made.git("-c", f"http.extraHeader=Authorization: Basic {login}", "push", "-q", url, "--all")
        made.git("-c", f"http.extraHeader=Authorization: Basic {login}", "push", "-q", url, "--tags")
        made.settings = replace(
            made.settings, import_from=ImportFrom(url=url, username="root", password_from_env="OLD_TOKEN")
        )
        made.variables = {"OLD_TOKEN": ROOT_TOKEN}
        made.clock.steps = [lambda: until_imported(made)]
        yield made
        until_imported(made)


def until_imported(here: Rehearsal) -> None:
    """The import goes on in the server's own time."""
    poll_until(
        lambda: here.api("GET", f"{here.project}/import"),
        what="the import",
        is_final=lambda row: row is None or row["import_status"] not in ("scheduled", "started"),
        interval_s=0.02,
        deadline_s=60,
        clock=SystemClock(),
    )


def test_a_new_project_has_all_that_was_there_before_ours_is_pushed(here: Rehearsal, recorder: Recorder) -> None:
    """The plan shows the address and no password; once the project is there its import is of no more interest."""
    assert here.settings.import_from is not None
    planned = here.connect().plan()
    (project,) = [change for change in planned.changes if change.kind == "gitlab_project"]
    shown = {item.name: item.after for item in project.attributes}
    assert shown["imported from"] == here.settings.import_from.url
    assert ROOT_TOKEN not in json.dumps(to_json(planned))
    here.apply()
    assert [row["name"] for row in here.api("GET", f"{here.project}/repository/branches")] == ["main", "other"]
    assert [row["name"] for row in here.api("GET", f"{here.project}/repository/tags")] == ["v1"]
    assert here.tip() != here.git("rev-parse", "HEAD")
    assert here.api("GET", here.project)["ci_default_git_depth"] == 5
    here.variables = {}
    assert here.connect().plan().pending == ()
    recorder.check()


def test_an_import_that_fails_is_told_in_gitlabs_words(here: Rehearsal, caplog: pytest.LogCaptureFixture) -> None:
    """Without the password; the next plan says so too, and what to do about it helps."""
    here.variables = {"OLD_TOKEN": "glpat-a-wrong-one"}
    with pytest.raises(RemoteError, match="was made, but GitLab could not import http") as caught:
        here.apply()
    assert "Error importing repository" in caught.value.message
    assert "sledge destroy" in caught.value.hint
    with pytest.raises(ConflictError, match=r"is there, but GitLab could not import .*Error importing repository"):
        here.connect().plan()
    assert "glpat-a-wrong-one" not in f"{caught.value.message} {caplog.text}"
    here.connect().destroy(on_change=lambda change: None)
    here.variables = {"OLD_TOKEN": ROOT_TOKEN}
    here.clock.steps = [lambda: until_imported(here)]
    here.apply()
    assert here.connect().plan().pending == ()


def test_a_password_that_this_environment_lacks_is_told_before_anything_is_made(
    here: Rehearsal, recorder: Recorder
) -> None:
    """By the variable's name."""
    here.variables = {}
    with pytest.raises(ConfigurationError, match="environment variable OLD_TOKEN, which is not set"):
        here.apply()
    assert recorder.writes == []


def test_an_apply_that_was_killed_while_it_waited_is_taken_up_by_the_next(here: Rehearsal) -> None:
    """The plan then says that GitLab still fills the project; nothing is pushed before it has."""

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    rules = [{"fault": "delay", "path": "-source.git/info/refs", "calls": [1, 2], "delay_s": 1.0}]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.clock.steps = [die]
    with pytest.raises(Killed):
        here.apply()
    pending = {change.kind: change for change in here.connect().plan().pending}
    assert pending["gitlab_project"].action is Action.UPDATE
    assert "imported from" in [item.name for item in pending["gitlab_project"].attributes]
    here.clock.steps = [lambda: until_imported(here)]
    here.apply()
    assert here.connect().plan().pending == ()
    assert len(here.api("GET", f"{here.project}/repository/branches")) == 2


def test_a_lost_answer_imports_once(here: Rehearsal) -> None:
    """The project that is found has its import under way."""
    rules = [{"fault": "reset_after", "method": "POST", "path": "/api/v4/projects$", "calls": [1]}]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.clock.steps = [lambda: None, lambda: until_imported(here)]
    here.apply()
    assert here.connect().plan().pending == ()
    assert len(here.api("GET", f"/groups/{here.group}/projects?include_subgroups=true")) == 1


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_an_import_is_waited_for_whatever_happens_to_a_question(here: Rehearsal, fault: str) -> None:
    """A failure that passes is no news."""
    status = Read(method="GET", path=f"/api/v4{here.project}/import")
    load(here.url, {**status.rule, "fault": fault, "calls": [1]})
    here.apply()
    assert met(here.url) == [status]
    assert here.connect().plan().pending == ()


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_an_import_that_cannot_be_asked_about_is_taken_up_by_the_next_apply(here: Rehearsal, fault: str) -> None:
    """The failure that lasts is what the first one ends with."""
    status = Read(method="GET", path=f"/api/v4{here.project}/import")
    here.clock.steps = []
    load(here.url, failing_for_good(fault, status))
    error = error_of(here.apply)
    load(here.url)
    assert_told_in_one_error(fault, error)
    here.clock.steps = [lambda: until_imported(here)]
    here.apply()
    assert here.connect().plan().pending == ()
    assert len(here.api("GET", f"{here.project}/repository/branches")) == 2
