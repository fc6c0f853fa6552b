"""Protected branches, tags and container repositories, and whose jobs come in, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action
from sledgehammer.errors import ConflictError
from sledgehammer_gitlab.access_settings import BranchProtection, Level, TagProtection
from sledgehammer_gitlab.settings import Settings

PROTECTED = Settings(
    project="team/sub/web",
    protected_branches={"main": BranchProtection(), "release/*": BranchProtection(push=Level.NOBODY)},
    protected_tags={"v*": TagProtection()},
)


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, PROTECTED) as made:
        yield made


def test_protections_are_there_before_the_first_push(here: Rehearsal, recorder: Recorder) -> None:
    """Branches and tags get their levels, the push passes, and a second plan finds nothing to do."""
    here.apply()
    branches = {row["name"]: row for row in here.api("GET", f"{here.project}/protected_branches")}
    assert {name: row["push_access_levels"][0]["access_level"] for name, row in branches.items()} == {
        "main": 40,
        "release/*": 0,
    }
    (tag,) = here.api("GET", f"{here.project}/protected_tags")
    assert (tag["name"], tag["create_access_levels"][0]["access_level"]) == ("v*", 40)
    assert here.connect().plan().pending == ()
    recorder.check()


def test_whether_history_may_be_rewritten_is_changed_in_place(here: Rehearsal, recorder: Recorder) -> None:
    """The branch stays protected all the while."""
    here.apply()
    here.api("PATCH", f"{here.project}/protected_branches/main", {"allow_force_push": True})
    (change,) = here.connect().plan().pending
    assert [(item.name, item.before, item.after) for item in change.attributes] == [("force push", "true", "false")]
    recorder.exchanges.clear()
    here.apply()
    assert [write.split()[0] for write in recorder.writes] == ["PATCH"]
    assert here.connect().plan().pending == ()
    recorder.check()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"protected_branches": {"main": BranchProtection(push=Level.DEVELOPER)}}, "branches push: developer"),
        ({"protected_branches": {"main": BranchProtection(merge=Level.NOBODY)}}, "branches merge: nobody"),
        ({"protected_tags": {"v*": TagProtection(create=Level.NOBODY)}}, "tags create: nobody"),
    ],
)
def test_levels_are_changed_by_a_person_for_the_api_would_unprotect(
    here: Rehearsal, recorder: Recorder, wanted: dict[str, object], said: str
) -> None:
    """The plan names the page and what to set there; an apply sends nothing."""
    here.apply()
    here.settings = replace(here.settings, **wanted)  # type: ignore[arg-type]
    changes = here.connect().plan()
    (step,) = changes.manual
    assert said in step.note
    assert step.link == f"{here.url}/{here.path}/-/settings/repository"
    recorder.exchanges.clear()
    here.apply()
    assert recorder.writes == []


def test_a_branch_that_the_server_protected_itself_needs_no_second_protection(here: Rehearsal) -> None:
    """GitLab protects the default branch at the first push: as it should be is as it should be."""
    here.settings = replace(here.settings, protected_branches=None, protected_tags=None)
    here.apply()
    here.settings = replace(here.settings, protected_branches={"main": BranchProtection()})
    assert here.connect().plan().pending == ()


def test_a_protection_in_a_project_of_others_is_a_conflict_that_names_the_project(here: Rehearsal) -> None:
    """It has no mark of its own, so the project is what is adopted."""
    here.apply()
    here.api("PUT", here.project, {"topics": []})
    here.api("PATCH", f"{here.project}/protected_branches/main", {"allow_force_push": True})
    with pytest.raises(ConflictError, match=r"gitlab_protected_branch .* main") as caught:
        here.apply()
    assert f"sledge adopt -p gitlab 'gitlab_project {here.path}'" in caught.value.hint
    here.connect().adopt([f"gitlab_project {here.path}"])
    here.apply()
    assert here.connect().plan().pending == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_protection_is_made_once_whatever_happens_to_the_answer(here: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection: one apply, one rule each."""
    paths = ("/protected_branches$", "/protected_tags$")
    rules = [{"fault": fault, "method": "POST", "path": path, "calls": [1]} for path in paths]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) == len(paths)
    assert sorted(row["name"] for row in here.api("GET", f"{here.project}/protected_branches")) == ["main", "release/*"]
    assert len(here.api("GET", f"{here.project}/protected_tags")) == 1
    assert [change.action for change in here.connect().plan().pending] == list[Action]()
