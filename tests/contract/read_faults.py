"""What happens to reads: which of them an undisturbed run sends, and rules by which they fail."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from sledgehammer.errors import RemoteError, SledgehammerError, TimedOutError

READ_FAULTS = ("throttle", "error_before", "reset_before")
"""A read has no effect before or after which it could fail."""

RETRY_AFTER_S = 7
A_DAY_S = 86_400

OFTEN = 400
"""More calls than any run sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One request as the server saw it; `operation` is "" where it has no such name."""

    method: str
    path: str
    operation: str = ""

    @property
    def rule(self) -> dict[str, object]:
        """What fits it: operations of every object, paths exactly."""
        if self.operation:
            return {"operation": self.operation}
        return {"method": self.method, "path": "^" + "".join(_literal(each) for each in self.path) + "$"}


def _literal(character: str) -> str:
    return character if character.isalnum() or character in "/%_-" else f"[{character}]"


def load(url: str, *rules: dict[str, Any]) -> None:
    """Load these faults in place of those that are there."""
    requests.post(f"{url}/-/faults", json={"rules": rules}, timeout=10).raise_for_status()


def met(url: str) -> list[Read]:
    """The requests that a rule has picked so far."""
    rows = requests.get(f"{url}/-/faults", timeout=10).json()["injected"]
    return [Read(method=row["method"], path=row["path"], operation=row["operation"]) for row in rows]


def record(url: str, run: Callable[[], object], *, is_read: Callable[[Read], bool]) -> list[Read]:
    """The reads of an undisturbed run, in order."""
    load(url, {"fault": "delay"})
    run()
    sent = met(url)
    load(url)
    return [one for one in sent if is_read(one)]


def failing_at_first(fault: str, fitting: Iterable[Mapping[str, object]]) -> list[dict[str, Any]]:
    """Every call that fits fails once: the second try is the call after it."""
    odd = list(range(1, OFTEN, 2))
    return [{**one, "fault": fault, "calls": odd, "retry_after_s": RETRY_AFTER_S} for one in fitting]


def failing_for_good(fault: str, read: Read, *, calls: list[int] | None = None) -> dict[str, Any]:
    """Each call of that kind fails, or those; a throttle lasts longer than anybody waits."""
    return {**read.rule, "fault": fault, "calls": calls or [], "retry_after_s": A_DAY_S}


def error_of(run: Callable[[], object]) -> SledgehammerError | None:
    """What a run ends with."""
    try:
        run()
    except SledgehammerError as error:
        return error
    return None


def assert_told_in_one_error(fault: str, error: SledgehammerError | None) -> None:
    """By its type, with what was tried, and a hint."""
    assert isinstance(error, TimedOutError if fault == "throttle" else RemoteError), error
    assert error.hint
