"""A plan in a file, so that exactly what was reviewed is applied, or nothing."""

import json
import os
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from sledgehammer.changes import Change, ChangeSet
from sledgehammer.errors import ConfigurationError, ConflictError, file_problem
from sledgehammer.provisioning.json_form import from_json, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """The changes of one plan and the project that they were planned for."""

    project: str
    changes: ChangeSet


def save_plan(path: Path, plan: SavedPlan) -> None:
    """Write a file that only its owner may read; there are no secrets in it. Replaces one that is there."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"project": plan.project, "plan": to_json(plan.changes)}, file, indent=2)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(f"the plan cannot be written to {path}: {file_problem(error)}") from error


def load_plan(path: Path) -> SavedPlan:
    """Read such a file. Raises ConfigurationError for any other."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        return SavedPlan(project=str(row["project"]), changes=from_json(row["plan"]))
    except OSError as error:
        raise ConfigurationError(f"the saved plan {path} cannot be read: {file_problem(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is not a plan that this sledge has saved", hint="make one: sledge plan -p PROVIDER --out FILE"
        ) from error


def check_still_true(saved: ChangeSet, fresh: ChangeSet) -> None:
    """Raise ConflictError, naming the first difference, unless the world is as it was when the plan was saved."""
    for before, now in zip_longest(saved.changes, fresh.changes):
        if before != now:
            raise ConflictError(
                f"the saved plan is out of date: {_difference(before, now)}",
                hint="look at a fresh one: sledge plan --out FILE; nothing was changed",
            )


def _difference(before: Change | None, now: Change | None) -> str:
    if before is None or now is None or before.address != now.address:
        return f"it has {_named(before)} where there is now {_named(now)}"
    if before.action is not now.action:
        return f"{now.address} was to be {_verb(before)}, and is now to be {_verb(now)}"
    then = {item.name: item for item in before.attributes}
    for item in now.attributes:
        if then.pop(item.name, None) != item:
            return f"{item.name} of {now.address} is now {item.before or '(none)'}, to become {item.after or '(none)'}"
    if then:
        return f"{next(iter(then))} of {now.address} needs no change any more"
    return f"what is said of {now.address} has changed"


def _named(change: Change | None) -> str:
    return change.address if change is not None else "nothing"


def _verb(change: Change) -> str:
    words = {"CREATE": "created", "UPDATE": "changed", "DELETE": "deleted", "MANUAL": "changed by a person"}
    return words.get(change.action.name, "left as it is")
