"""Every kind of change and of deletion of the GitLab provider meets every fault, and reads that are out of date."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_full_project import FIRST, NOTHING, PLAIN, SECOND, assert_settled, rehearse_in_full, tokens, want
from gitlab_rehearsal import Rehearsal

from sledgehammer.errors import ConflictError

CHANGES = [
    ("PUT", "web$"),
    ("PUT", "web/variables/SHOWN$"),
    ("PUT", "web/variables/SECRET$"),
    ("DELETE", "web/variables/TO_HIDE"),
    ("POST", "web/variables$"),
    ("PUT", "/groups/[^/]+/variables/SHARED"),
    ("PATCH", "/protected_branches/main$"),
    ("PATCH", "/protection/repository/rules/"),
    ("PATCH", "/protection/tag/rules/"),
    ("POST", "/job_token_scope/allowlist$"),
    ("DELETE", "/job_token_scope/allowlist/"),
    ("POST", "/deploy_tokens$"),
    ("PUT", "web/variables/PULL_TOKEN$"),
    ("DELETE", "/deploy_tokens/"),
    ("POST", "/access_tokens$"),
    ("PUT", "web/variables/BOT_TOKEN$"),
    ("DELETE", "/access_tokens/"),
    ("POST", "/git-receive-pack$"),
    ("PUT", "/pipeline_schedules/"),
]
DELETIONS = [
    *(("DELETE", f"web/variables/{key}") for key in ("SHOWN", "SECRET", "TO_HIDE", "PULL_TOKEN", "BOT_TOKEN")),
    ("DELETE", "/job_token_scope/allowlist/"),
    ("DELETE", "/deploy_tokens/"),
    ("DELETE", "/access_tokens/"),
    ("DELETE", "/pipeline_schedules/"),
]
DESTRUCTION = [("DELETE", "/groups/[^/]+/variables/SHARED"), ("DELETE", "/projects/[^/]+$")]
LISTS = "/(variables|protected_branches|protected_tags|rules|allowlist|deploy_tokens|access_tokens|pipeline_schedules)"


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse_in_full(gitlab_url, tmp_path) as made:
        yield made


def inject(here: Rehearsal, fault: str, where: list[tuple[str, str]]) -> None:
    """The first of each of these calls meets the fault."""
    rules = [{"fault": fault, "method": method, "path": path, "calls": [1]} for method, path in where]
    here.ask("POST", "/-/faults", {"rules": rules})


def assert_all_met(here: Rehearsal, where: list[tuple[str, str]]) -> None:
    record: Any = here.ask("GET", "/-/faults")
    assert len(record["injected"]) == len(where), record["injected"]
    here.ask("DELETE", "/-/faults")


@pytest.mark.parametrize("fault", FAULTS)
def test_every_change_is_made_once_whatever_happens_to_it(here: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection, at the first of each kind of call, in one apply."""
    want(here, FIRST)
    here.apply()
    want(here, SECOND)
    here.commit("main.rs")
    inject(here, fault, CHANGES)
    here.apply()
    assert_all_met(here, CHANGES)
    assert_settled(here)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_deletion_is_made_whatever_happens_to_it(here: Rehearsal, fault: str) -> None:
    """One apply takes away all that is named no more, one destruction the rest."""
    want(here, FIRST)
    here.apply()
    want(here, replace(NOTHING, variables={"SHARED": FIRST.variables["SHARED"]}))
    inject(here, fault, DELETIONS)
    here.apply()
    assert_all_met(here, DELETIONS)
    assert here.connect().plan().pending == ()
    assert here.api("GET", f"{here.project}/variables") == []
    assert tokens(here) == [0, 0, 0]
    inject(here, fault, DESTRUCTION)
    here.connect().destroy(on_change=lambda change: None)
    assert_all_met(here, DESTRUCTION)
    assert here.api("GET", here.project) is None
    assert here.api("GET", f"/groups/{here.group}/variables") == []


def remember_empty_lists(here: Rehearsal) -> None:
    """The server keeps what it says of a project without parts, and says it once more to whoever asks first."""
    want(here, PLAIN)
    here.apply()
    want(here, FIRST)
    here.ask("POST", "/-/faults", {"rules": [{"fault": "stale", "method": "GET", "path": LISTS, "calls": [10_000]}]})
    here.connect().plan()
    here.ask("DELETE", "/-/faults")
    here.apply()


def test_an_apply_that_first_reads_what_was_before_the_last_one_doubles_nothing(here: Rehearsal) -> None:
    """Each list is out of date when it is read first: what the apply then makes is there already."""
    remember_empty_lists(here)
    tails = LISTS.strip("/()").split("|")
    rules = [{"fault": "stale", "method": "GET", "path": f"/{tail}[?]", "calls": [1]} for tail in tails]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) >= len(tails) - 1
    here.ask("DELETE", "/-/faults")
    assert_settled(here)


def test_an_apply_that_reads_nothing_new_at_all_is_put_right_by_the_next(here: Rehearsal) -> None:
    """It ends with a conflict that says to run it again, or makes a second one that the next apply takes away."""
    remember_empty_lists(here)
    here.ask("POST", "/-/faults", {"rules": [{"fault": "stale", "method": "GET", "path": LISTS}]})
    with pytest.raises(ConflictError, match="yet it cannot be read"):
        here.apply()
    here.ask("DELETE", "/-/faults")
    here.apply()
    assert_settled(here)
