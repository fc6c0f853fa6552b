"""Projects of one group, of which plans are made with GraphQL's help and without."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitlab_rehearsal import Rehearsal

from sledgehammer.changes import ChangeSet
from sledgehammer.errors import ConflictError
from sledgehammer.retry import RetryPolicy
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.access_settings import BranchProtection, Level
from sledgehammer_gitlab.bulk_reading import BulkReader, Target, batches
from sledgehammer_gitlab.listing import list_projects
from sledgehammer_gitlab.reading import KnownProject
from sledgehammer_gitlab.settings import Settings, Variable

SECRET = "text-that-nobody-shows"
FULL = Settings(
    project="team/web",
    variables={
        "PLAIN": Variable(value="x", description="what it is for"),
        "MASKED": Variable(from_env="MASKED", masked=True),
        "HIDDEN": Variable(from_env="MASKED", masked=True, hidden=True),
        "SCOPED": Variable(value="1", environment_scope="prod/*", protected=True, raw=False),
    },
    protected_branches={
        "main": BranchProtection(push=Level.DEVELOPER, force_push=True),
        "release/*": BranchProtection(push=Level.NOBODY),
    },
)


def member(here: Rehearsal, name: str, **changes: Any) -> Rehearsal:
    """Another project of the group, of the same checkout."""
    return replace(here, settings=replace(here.settings, project=f"{here.group}/{name}", **changes))


def what_is_known(fleet: Sequence[Rehearsal], *, in_bulk: bool = True) -> Mapping[str, KnownProject]:
    """The group's list, and with it what GraphQL tells."""
    variables = {"GITLAB_URL": fleet[0].url, "GITLAB_TOKEN": fleet[0].token}
    clock, policy = FakeClock(), RetryPolicy()
    known = list_projects(fleet[0].group, variables, clock=clock, policy=policy)
    if not in_bulk:
        return known
    reader, found = BulkReader(variables, clock=clock, policy=policy), dict(known)
    targets = [Target(settings=each.settings, branch="main") for each in fleet]
    for batch in batches(targets, target_of=lambda target: target):
        found |= reader.read(known, batch)
    reader.report()
    return found


def plans(fleet: Sequence[Rehearsal], *, in_bulk: bool) -> list[ChangeSet | str]:
    """A plan of each, or why there is none."""
    known = what_is_known(fleet, in_bulk=in_bulk)
    found: list[ChangeSet | str] = []
    for each in fleet:
        try:
            found.append(each.connect().plan_knowing(known))
        except ConflictError as error:
            found.append(str(error))
    return found


def pending(fleet: Sequence[Rehearsal]) -> int:
    """How many changes the plans find."""
    return sum(len(plan.pending) if isinstance(plan, ChangeSet) else 1 for plan in plans(fleet, in_bulk=True))
