"""A plan in a file, so that exactly what was reviewed is applied, or nothing."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from sledgehammer.changes import Change, ChangeSet
from sledgehammer.errors import ConfigurationError, ConflictError, file_problem
from sledgehammer.provisioning.fingerprint import KEY_VARIABLE, fingerprint
from sledgehammer.provisioning.json_form import from_json, to_json
from sledgehammer.secret import Secret

KEY_CHECK = "key"
"""The name of the fingerprint that tells one key from another; all others have a space in theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """The changes of one plan and the project that they were planned for. `fingerprints` tell the secrets among them
    from others, by address and attribute; there are none where the plan was saved without a key."""

    project: str
    changes: ChangeSet
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def secret_fingerprints(changes: ChangeSet, key: Secret | None) -> dict[str, str]:
    """Of every secret that a plan changes, and one of the key itself; none without a key, for a bare hash in a file
    would let its reader try guesses."""
    if key is None:
        return {}
    found = {
        f"{change.address} {item.name}": fingerprint(item.secret, key=key, context=f"{change.address} {item.name}")
        for change in changes.changes
        for item in change.attributes
        if item.secret is not None
    }
    return {KEY_CHECK: fingerprint(Secret(""), key=key, context=KEY_CHECK), **found}


def save_plan(path: Path, plan: SavedPlan) -> None:
    """Write a file that only its owner may read; there are no secrets in it. Replaces one that is there."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            row = {"project": plan.project, "plan": to_json(plan.changes), "fingerprints": dict(plan.fingerprints)}
            json.dump(row, file, indent=2)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(f"the plan cannot be written to {path}: {file_problem(error)}") from error


def load_plan(path: Path) -> SavedPlan:
    """Read such a file. Raises ConfigurationError for any other."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        fingerprints = {str(name): str(text) for name, text in row.get("fingerprints", {}).items()}
        return SavedPlan(project=str(row["project"]), changes=from_json(row["plan"]), fingerprints=fingerprints)
    except OSError as error:
        raise ConfigurationError(f"the saved plan {path} cannot be read: {file_problem(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is not a plan that this sledge has saved", hint="make one: sledge plan -p PROVIDER --out FILE"
        ) from error


def check_still_true(saved: SavedPlan, fresh: ChangeSet, *, key: Secret | None) -> None:
    """Raise ConflictError, naming the first difference, unless the world is as it was when the plan was saved.

    Secrets are compared by the plan's fingerprints: raises ConfigurationError where it has some and this is not their
    key.
    """
    for before, now in zip_longest(saved.changes.changes, fresh.changes):
        if before != now:
            raise _out_of_date(_difference(before, now))
    if not saved.fingerprints:
        return
    now_there = secret_fingerprints(fresh, key)
    if now_there.get(KEY_CHECK) != saved.fingerprints.get(KEY_CHECK):
        raise ConfigurationError(
            f"the plan was saved with another {KEY_VARIABLE} than this environment has: its secrets cannot be compared",
            hint=f"set {KEY_VARIABLE} as it was, or save the plan anew",
        )
    for name, text in now_there.items():
        if saved.fingerprints.get(name) != text:
            raise _out_of_date(f"{name}: the secret, or what is to replace it, is another one by now")


def _out_of_date(difference: str) -> ConflictError:
    return ConflictError(
        f"the saved plan is out of date: {difference}",
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
