"""`--all`: one command over every project below a folder."""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sledgehammer.changes import Action, Change, ChangeSet
from sledgehammer.cli.changes_text import render_change, render_done, render_manual
from sledgehammer.cli.command import CHANGES_PENDING
from sledgehammer.errors import NoSectionError, SledgehammerError
from sledgehammer.fleet import AppliedProject, PlannedProject, apply_all, find_projects, plan_all
from sledgehammer.ports import PlanOrError
from sledgehammer.provisioning.json_form import FORMAT, to_json

Changes = Callable[[ChangeSet], Sequence[Change]]
"""What of a plan counts as something to do."""


def show_plans(
    root: Path, provider: str, *, render: Callable[[ChangeSet], str], counted: Changes, as_json: bool
) -> int:
    """The plan of each that has something to do, by `render`, then all in a line. 0 when none has, 2 when one has, the
    code of the first error where there are any."""
    planned = _plan(root, provider)
    if as_json:
        sys.stdout.write(json.dumps(_to_json(planned, provider), indent=2) + "\n")
    else:
        for one in planned:
            if isinstance(one.outcome, ChangeSet) and (one.outcome.pending or one.outcome.manual):
                sys.stdout.write(f"== {one.folder}\n{render(one.outcome)}")
        outcomes = [one.outcome for one in planned]
        sys.stdout.write(_summary(outcomes, provider, counted, said=("to add", "to change", "to destroy")))
    failed = _tell_errors(planned)
    found = any(isinstance(one.outcome, ChangeSet) and counted(one.outcome) for one in planned)
    return failed or (CHANGES_PENDING if found else 0)


def apply_many(root: Path, provider: str) -> int:
    """Each that has something to do is shown as soon as it is done, then all in a line. 0, or the code of the first
    error."""
    planned = _plan(root, provider)
    applied: Sequence[AppliedProject] = []
    told: list[AppliedProject] = []

    def show(one: AppliedProject) -> None:
        told.append(one)
        _show_applied(one)

    try:
        applied = apply_all(planned, on_applied=show)
    finally:
        shown = applied or told
        outcomes = [one.outcome for one in shown]
        sys.stdout.write(_summary(outcomes, provider, _pending, said=("added", "changed", "destroyed")))
        code = _tell_errors(shown)
    return code


def _plan(root: Path, provider: str) -> Sequence[PlannedProject]:
    """Of those that name the provider. Raises NoSectionError where none does."""
    planned = plan_all(find_projects(root), provider)
    named = [one for one in planned if not isinstance(one.outcome, NoSectionError)]
    if not named:
        raise NoSectionError(
            f"none of the {len(planned)} projects below {root} has a section for {provider}",
            hint=f"add a top-level key {provider}: to their sledge.yaml",
        )
    return named


def _show_applied(applied: AppliedProject) -> None:
    lines = [f"== {applied.folder}\n", *(render_change(change) for change in applied.made)]
    if isinstance(applied.outcome, ChangeSet):
        lines.append(render_done(applied.outcome) + render_manual(applied.outcome))
    else:
        lines.append(f"failed after {_count(len(applied.made), 'change')}\n")
    sys.stdout.write("".join(lines))
    sys.stdout.flush()


def _pending(plan: ChangeSet) -> Sequence[Change]:
    return plan.pending


def _summary(outcomes: Sequence[PlanOrError], provider: str, counted: Changes, *, said: tuple[str, str, str]) -> str:
    plans = [one for one in outcomes if isinstance(one, ChangeSet)]
    pending = [plan for plan in plans if counted(plan)]
    numbers = [sum(plan.count(action) for plan in pending) for action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
    told = [f"{len(plans) - len(pending)} with nothing to do"]
    if pending:
        told.append(f"{len(pending)} with {', '.join(f'{n} {word}' for n, word in zip(numbers, said, strict=True))}")
    if manual := sum(bool(plan.manual) for plan in plans):
        told.append(f"{manual} with steps for a person")
    if len(outcomes) > len(plans):
        told.append(f"{len(outcomes) - len(plans)} failed")
    return f"{provider}: {_count(len(outcomes), 'project')}: {'; '.join(told)}.\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _tell_errors(results: Iterable[PlannedProject | AppliedProject]) -> int:
    """On standard error, what is said of several once. Gives the code of the first, or 0."""
    folders: dict[str, list[Path]] = defaultdict(list)
    code = 0
    for one in results:
        if isinstance(one.outcome, SledgehammerError):
            code = code or one.outcome.exit_code
            folders[str(one.outcome)].append(one.folder)
    for message, places in folders.items():
        others = f" and {_count(len(places) - 1, 'other')}" if len(places) > 1 else ""
        print(f"sledge: {places[0]}{others}: {message}", file=sys.stderr)  # noqa: T201 - the command line's own voice
    return code


def _to_json(planned: Iterable[PlannedProject], provider: str) -> dict[str, object]:
    return {"format": FORMAT, "provider": provider, "projects": [_row(one) for one in planned]}


def _row(one: PlannedProject) -> dict[str, object]:
    name = one.session.project.name if one.session is not None else ""
    if isinstance(one.outcome, ChangeSet):
        return {"folder": str(one.folder), "name": name, "plan": to_json(one.outcome)}
    error = {"message": one.outcome.message, "hint": one.outcome.hint, "exit_code": one.outcome.exit_code}
    return {"folder": str(one.folder), "name": name, "error": error}
