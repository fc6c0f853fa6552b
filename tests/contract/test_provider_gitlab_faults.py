from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Rehearsal, rehearse

from sledgehammer.errors import RemoteError, TimedOutError
from sledgehammer_gitlab.settings import Settings, Variable, Visibility

FULL = Settings(
    project="team/sub/web",
    visibility=Visibility.PUBLIC,
    variables={"API_KEY": Variable(value="a-long-value", masked=True)},
)
CREATES = [
    ("POST", "/api/v4/groups$"),
    ("POST", "/api/v4/projects$"),
    ("POST", "/variables$"),
    ("GET", "/info/refs"),
    ("POST", "/git-receive-pack$"),
]
UPDATES = [
    ("PUT", "/projects/[^/]+(/|%2F)sub(/|%2F)web$"),
    ("PUT", "/variables/API_KEY$"),
    ("POST", "/git-receive-pack$"),
]
TRIGGER = [("POST", "/pipeline$")]


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, FULL) as made:
        yield made


def inject(here: Rehearsal, fault: str, where: list[tuple[str, str]], **more: object) -> None:
    """The first of each of these calls meets the fault, unless `more` says otherwise."""
    rules = [{"fault": fault, "method": method, "path": path, "calls": [1], **more} for method, path in where]
    here.ask("POST", "/-/faults", {"rules": rules})


def injected(here: Rehearsal) -> int:
    record: Any = here.ask("GET", "/-/faults")
    return len(record["injected"])


@pytest.mark.parametrize("fault", FAULTS)
def test_gitlab_apply_survives_a_fault_at_every_creating_call(here: Rehearsal, fault: str) -> None:
    """Whatever goes wrong at the first try of each call, one apply leaves each object exactly once."""
    inject(here, fault, CREATES)
    here.apply()
    assert injected(here) == len(CREATES)
    assert here.connect().plan().pending == ()
    groups = [row["full_path"] for row in here.api("GET", "/groups?per_page=100")]
    assert sorted(path for path in groups if path.split("/")[0] == here.group) == [here.group, f"{here.group}/sub"]
    assert len(here.api("GET", f"/groups/{here.group}/projects?include_subgroups=true")) == 1
    assert len(here.api("GET", f"{here.project}/variables")) == 1
    assert here.git("rev-list", "--count", "HEAD") == "1"
    assert len(here.api("GET", f"{here.project}/repository/commits?ref_name=main")) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_gitlab_apply_survives_a_fault_at_every_updating_call(here: Rehearsal, fault: str) -> None:
    """Updates of project, variable and repository reach their end in one apply as well."""
    here.apply()
    here.api("PUT", here.project, {"visibility": "private"})
    here.settings = replace(here.settings, variables={"API_KEY": Variable(value="another-value", masked=True)})
    here.commit("main.rs")
    inject(here, fault, UPDATES)
    here.apply()
    assert injected(here) == len(UPDATES)
    assert here.connect().plan().pending == ()
    assert here.api("GET", here.project)["visibility"] == "public"
    assert here.api("GET", f"{here.project}/variables/API_KEY")["value"] == "another-value"


@pytest.mark.parametrize("fault", FAULTS)
def test_gitlab_run_starts_one_pipeline_whatever_happens_to_the_answer(here: Rehearsal, fault: str) -> None:
    """A lost answer is found again by the run's own variable instead of building twice."""
    here.apply()
    inject(here, fault, TRIGGER)
    run = here.connect().trigger()
    assert injected(here) == 1
    pipelines = [row for row in here.api("GET", f"{here.project}/pipelines") if row["status"] != "skipped"]
    assert [str(row["id"]) for row in pipelines] == [run.id]


def test_gitlab_apply_waits_as_long_as_gitlab_asks(here: Rehearsal) -> None:
    """Retry-After is kept, and what is beyond the budget is not waited for: the error says when to resume."""
    inject(here, "throttle", [("POST", "/api/v4/projects$")], retry_after_s=45)
    here.apply()
    assert max(here.clock.sleeps) >= 45
    here.settings = replace(here.settings, project=f"{here.group}/sub/other")
    inject(here, "throttle", [("POST", "/api/v4/projects$")], retry_after_s=86_400)
    with pytest.raises(TimedOutError, match="resume after 2026-01-02"):
        here.apply()


def test_gitlab_apply_that_gave_up_is_finished_by_the_next(here: Rehearsal) -> None:
    """A lasting outage ends in one sentence; once it is over the next apply does the rest."""
    inject(here, "error_before", [("POST", "/api/v4/projects$")], calls=[])
    with pytest.raises(RemoteError, match="POST /projects: GitLab answered 500"):
        here.apply()
    assert 2 <= injected(here) <= 10
    here.ask("DELETE", "/-/faults")
    kinds = {change.kind for change in here.connect().plan().pending}
    assert "gitlab_group" not in kinds
    here.apply()
    assert here.connect().plan().pending == ()
