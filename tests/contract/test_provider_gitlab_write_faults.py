"""Every kind of change and of deletion of the GitLab provider meets every fault, and reads that are out of date."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Rehearsal, SteppingClock, rehearse

from sledgehammer.errors import ConflictError
from sledgehammer_gitlab.access_settings import (
    BranchProtection,
    ImageTagProtection,
    RegistryLevel,
    RegistryProtection,
    TagProtection,
)
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.token_settings import AccessScope, AccessToken, DeployScope, DeployToken, Role
from sledgehammer_gitlab.upkeep_settings import CiSettings, Schedule

PULL = DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN")
BOT = AccessToken(scopes=(AccessScope.READ_API,), variable="BOT_TOKEN")
PLAIN = Settings(project="team/sub/web")
FIRST = replace(
    PLAIN,
    ci=CiSettings(git_depth=5),
    variables={
        "SHOWN": Variable(value="the-first-value"),
        "SECRET": Variable(value="the-first-value", masked=True, hidden=True),
        "TO_HIDE": Variable(value="the-first-value", masked=True),
        "SHARED": Variable(value="the-first-value", group="team"),
    },
    protected_branches={"main": BranchProtection()},
    protected_tags={"v*": TagProtection()},
    registry_protection={".": RegistryProtection(push=RegistryLevel.MAINTAINER)},
    image_tag_protection={"^v": ImageTagProtection()},
    job_token_allowlist=("root/one",),
    deploy_tokens={"pull": PULL},
    access_tokens={"bot": BOT},
    schedules={"nightly": Schedule(cron="H 3 * * *")},
)
SECOND = replace(
    FIRST,
    ci=CiSettings(git_depth=7),
    variables={
        "SHOWN": Variable(value="the-second-value"),
        "SECRET": Variable(value="the-second-value", masked=True, hidden=True),
        "TO_HIDE": Variable(value="the-first-value", masked=True, hidden=True),
        "SHARED": Variable(value="the-second-value", group="team"),
    },
    protected_branches={"main": BranchProtection(force_push=True)},
    registry_protection={".": RegistryProtection(push=RegistryLevel.OWNER)},
    image_tag_protection={"^v": ImageTagProtection(push=RegistryLevel.OWNER)},
    job_token_allowlist=("root/two",),
    deploy_tokens={"pull": replace(PULL, username="other")},
    access_tokens={"bot": replace(BOT, role=Role.GUEST)},
    schedules={"nightly": Schedule(cron="5 4 * * *")},
)
NOTHING = replace(FIRST, variables={}, deploy_tokens={}, access_tokens={}, schedules={}, job_token_allowlist=())
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
    """With two projects beside it whose jobs may be let in."""
    with rehearse(gitlab_url, tmp_path) as made:
        made.clock = SteppingClock(start=datetime.now(UTC))  # the server's tokens end by its own clock
        made.variables = {"SLEDGE_FINGERPRINT_KEY": "k"}
        for name in ("one", "two"):
            made.api("POST", "/projects", {"name": f"{made.group}-{name}"})
        yield made


def want(here: Rehearsal, settings: Settings) -> None:
    """Those settings in names of this test's own."""
    variables = {key: replace(one, group=here.group) if one.group else one for key, one in settings.variables.items()}
    listed = settings.job_token_allowlist
    friends = None if listed is None else tuple(path.replace("/", f"/{here.group}-") for path in listed)
    here.settings = replace(settings, project=here.path, variables=variables, job_token_allowlist=friends)


def inject(here: Rehearsal, fault: str, where: list[tuple[str, str]]) -> None:
    """The first of each of these calls meets the fault."""
    rules = [{"fault": fault, "method": method, "path": path, "calls": [1]} for method, path in where]
    here.ask("POST", "/-/faults", {"rules": rules})


def assert_all_met(here: Rehearsal, where: list[tuple[str, str]]) -> None:
    record: Any = here.ask("GET", "/-/faults")
    assert len(record["injected"]) == len(where), record["injected"]
    here.ask("DELETE", "/-/faults")


def alive(here: Rehearsal, kind: str) -> list[Any]:
    return [row for row in here.api("GET", f"{here.project}/{kind}_tokens") if not row["revoked"]]


def assert_settled(here: Rehearsal) -> None:
    """Nothing is to do, and each is there once."""
    assert here.connect().plan().pending == ()
    assert [len(alive(here, kind)) for kind in ("deploy", "access")] == [1, 1]
    assert len(here.api("GET", f"{here.project}/pipeline_schedules")) == 1
    assert len(here.api("GET", f"{here.project}/variables")) == 5


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
    assert [alive(here, kind) for kind in ("deploy", "access")] == [[], []]
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
