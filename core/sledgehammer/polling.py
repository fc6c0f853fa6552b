"""Waiting for something remote: one clock and one polling loop, the only place that sleeps."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from sledgehammer.errors import TimedOutError

T = TypeVar("T")

GROWTH = 1.25
"""By how much the pause between two reads grows, up to `longest_interval_s`."""


class Clock(Protocol):
    """Time as retries and polling see it; `sledgehammer.testing.FakeClock` never sleeps."""

    def monotonic(self) -> float:
        """Seconds on a clock that is never set back."""

    def now(self) -> datetime:
        """The wall clock in UTC, for dates that others wrote."""

    def sleep(self, seconds: float) -> None:
        """Let that much time pass; Ctrl-C ends it."""


class SystemClock:
    """This machine's clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def poll_until(
    fetch: Callable[[], T],
    *,
    what: str,
    is_final: Callable[[T], bool],
    interval_s: float,
    deadline_s: float,
    clock: Clock,
    longest_interval_s: float = 0.0,
) -> T:
    """Read until `is_final` holds and give that last value. `what` names the awaited thing in errors.

    The pause starts at `interval_s` and grows up to `longest_interval_s` where that is larger. Raises
    TimedOutError at the deadline, after a last read; what was waited for may still be running.
    """
    started = clock.monotonic()
    pause = interval_s
    while True:
        value = fetch()
        if is_final(value):
            return value
        remaining = deadline_s - (clock.monotonic() - started)
        if remaining <= 0:
            raise TimedOutError(
                f"{what} was not finished within {deadline_s:g} s",
                hint="it may still be running; look again later",
            )
        clock.sleep(min(pause, remaining))
        pause = max(interval_s, min(pause * GROWTH, longest_interval_s))
