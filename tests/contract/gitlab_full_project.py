"""A GitLab project that has one of everything, in two versions, and what must hold once one of them was applied."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gitlab_rehearsal import Rehearsal, SteppingClock, rehearse

from sledgehammer_gitlab.access_settings import (
    BranchProtection,
    ImageTagProtection,
    RegistryLevel,
    RegistryProtection,
    TagProtection,
)
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.token_settings import AccessScope, AccessToken, DeployScope, DeployToken, Role
from sledgehammer_gitlab.upkeep_settings import CiSettings, Schedule, ScheduleVariable

PULL = DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN", username="one")
BOT = AccessToken(scopes=(AccessScope.READ_API,), variable="BOT_TOKEN")
WIDE = replace(BOT, variable="WIDE_TOKEN", group="team")
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
    access_tokens={"bot": BOT, "wide": WIDE},
    schedules={"nightly": Schedule(cron="H 3 * * *", variables={"MODE": ScheduleVariable(value="one")})},
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
    deploy_tokens={"pull": replace(PULL, username="two")},
    access_tokens={"bot": replace(BOT, role=Role.GUEST), "wide": replace(WIDE, role=Role.GUEST)},
    schedules={"nightly": Schedule(cron="5 4 * * *", variables={"MODE": ScheduleVariable(value="two")})},
)
NOTHING = replace(FIRST, variables={}, deploy_tokens={}, access_tokens={}, schedules={}, job_token_allowlist=())


@contextmanager
def rehearse_in_full(url: str, folder: Path) -> Iterator[Rehearsal]:
    """With two projects beside it whose jobs may be let in."""
    with rehearse(url, folder) as made:
        made.clock = SteppingClock(start=datetime.now(UTC))  # the server's tokens end by its own clock
        made.variables = {"SLEDGE_FINGERPRINT_KEY": "k"}
        for name in ("one", "two"):
            made.api("POST", "/projects", {"name": f"{made.group}-{name}"})
        yield made


def want(here: Rehearsal, settings: Settings) -> None:
    """Those settings in names of this test's own."""
    variables = {key: replace(one, group=here.group) if one.group else one for key, one in settings.each_variable}
    tokens = {
        title: replace(one, group=here.group) if one.group else one
        for title, one in (settings.access_tokens or {}).items()
    }
    listed = settings.job_token_allowlist
    friends = None if listed is None else tuple(path.replace("/", f"/{here.group}-") for path in listed)
    here.settings = replace(
        settings,
        project=here.path,
        variables=variables,
        access_tokens=None if settings.access_tokens is None else tokens,
        job_token_allowlist=friends,
    )


def tokens(here: Rehearsal) -> list[int]:
    """How many open something: deploy tokens, access tokens of the project, of the group."""
    lists = (f"{here.project}/deploy_tokens", f"{here.project}/access_tokens", f"/groups/{here.group}/access_tokens")
    return [len([row for row in here.api("GET", tail) if not row["revoked"]]) for tail in lists]


def assert_settled(here: Rehearsal) -> None:
    """Nothing is to do, and each is there once."""
    assert here.connect().plan().pending == ()
    assert tokens(here) == [1, 1, 1]
    assert len(here.api("GET", f"{here.project}/pipeline_schedules")) == 1
    assert len(here.api("GET", f"{here.project}/variables")) == 6
