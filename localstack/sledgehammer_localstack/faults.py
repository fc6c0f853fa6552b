"""Faults on demand: a seeded script of what goes wrong at which call of a local cloud.

A rule picks calls (HTTP method and path, or an AWS operation) and, of those, the ones that fail: by number,
every n-th, or with a probability drawn from the script's seed. The first rule that picks a call decides.
"""

import random
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sledgehammer.errors import ConfigurationError


class Fault(Enum):
    """What happens instead of, or around, the real answer."""

    THROTTLE = "throttle"  # 429 with Retry-After, or AWS's ThrottlingException; no effect
    ERROR_BEFORE = "error_before"  # 500, no effect
    ERROR_AFTER = "error_after"  # 500 although the call took effect
    RESET_BEFORE = "reset_before"  # the connection ends without an answer and without an effect
    RESET_AFTER = "reset_after"  # the connection ends without an answer, the call took effect
    UNKNOWN_YET = "unknown_yet"  # refused, for a role or right that is new is not known everywhere; no effect
    STALE = "stale"  # the answer that the same request had the last time while a rule of this kind spoke about it
    DELAY = "delay"  # the real answer, `delay_s` later


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Which calls, which of them, and what. An empty `operation`, `method` or `path` fits every call.

    `path` is a regular expression searched in the path and query. Of the fitting calls, counted from 1, those
    in `calls` fail, or every `every`-th, or each with `probability`; none of the three means all of them.
    """

    fault: Fault
    operation: str = ""
    method: str = ""
    path: str = ""
    calls: tuple[int, ...] = ()
    every: int = 0
    probability: float = 0.0
    retry_after_s: int = 0
    delay_s: float = 0.0

    def fits(self, call: "FaultCall") -> bool:
        """Whether the rule speaks about this call at all."""
        return (
            (not self.operation or self.operation == call.operation)
            and (not self.method or self.method == call.method)
            and (not self.path or re.search(self.path, call.path) is not None)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCall:
    """One request as rules see it; `operation` is empty where the cloud's API has no operation names."""

    method: str
    path: str
    operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A fault that was really injected: into which call, which fitting call of its rule it was (from 1)."""

    fault: Fault
    call: FaultCall
    number: int


@dataclass(slots=True)
class _Armed:
    rule: FaultRule
    seen: int = 0


@dataclass
class FaultScript:
    """The rules in force and the record of what they did; safe to use from several threads."""

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.load(self.rules, seed=self.seed)

    def load(self, rules: Sequence[FaultRule], *, seed: int = 0) -> None:
        """Replace all rules; counters, the record and the random numbers start anew."""
        with self._lock:
            self.rules = tuple(rules)
            self.seed = seed
            self._armed = [_Armed(rule) for rule in rules]
            self._injected: list[Injection] = []
            self._random = random.Random(seed)  # noqa: S311 - a repeatable script is the point

    def clear(self) -> None:
        """No rules any more, and an empty record."""
        self.load(())

    def next_fault(self, call: FaultCall) -> FaultRule | None:
        """Count the call and give the rule that picks it; None lets it pass."""
        with self._lock:
            chosen: FaultRule | None = None
            for armed in self._armed:
                if not armed.rule.fits(call):
                    continue
                armed.seen += 1
                if chosen is None and self._picks(armed):
                    chosen = armed.rule
                    self._injected.append(Injection(fault=chosen.fault, call=call, number=armed.seen))
            return chosen

    @property
    def injected(self) -> tuple[Injection, ...]:
        """What was injected since the rules were loaded, in order."""
        with self._lock:
            return tuple(self._injected)

    def _picks(self, armed: _Armed) -> bool:
        rule = armed.rule
        if rule.calls:
            return armed.seen in rule.calls
        if rule.every:
            return armed.seen % rule.every == 0
        if rule.probability:
            return self._random.random() < rule.probability
        return True


_TEXT = ("operation", "method", "path")
_NUMBERS = ("every", "probability", "retry_after_s", "delay_s")


def parse_rule(entry: Mapping[str, Any]) -> FaultRule:
    """A rule from JSON: the fields of FaultRule, `fault` by its value. Raises ConfigurationError."""
    if unknown := set(entry) - {*_TEXT, *_NUMBERS, "fault", "calls"}:
        raise ConfigurationError(f"a fault rule has no field {', '.join(sorted(unknown))}")
    kinds = [fault.value for fault in Fault]
    if entry.get("fault") not in kinds:
        raise ConfigurationError(f"a fault rule needs `fault`, one of {', '.join(kinds)}; got {entry.get('fault')!r}")
    if wrong := [name for name in _TEXT if not isinstance(entry.get(name, ""), str)]:
        raise ConfigurationError(f"`{wrong[0]}` of a fault rule is a text")
    if wrong := [name for name in _NUMBERS if not _is_amount(entry.get(name, 0))]:
        raise ConfigurationError(f"`{wrong[0]}` of a fault rule is a number, 0 or more")
    calls = entry.get("calls", [])
    if not isinstance(calls, list) or not all(isinstance(number, int) and number > 0 for number in calls):
        raise ConfigurationError("`calls` of a fault rule is a list of numbers from 1")
    try:
        re.compile(entry.get("path", ""))
    except re.error as error:
        raise ConfigurationError(f"`path` of a fault rule is no regular expression: {error}") from error
    plain = {name: entry[name] for name in (*_TEXT, *_NUMBERS) if name in entry}
    return FaultRule(fault=Fault(entry["fault"]), calls=tuple(calls), **plain)


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
