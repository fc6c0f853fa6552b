"""One way to try again: explicit classes of error, bounded in attempts and in time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from sledgehammer.errors import TimedOutError
from sledgehammer.polling import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounds of one call: at most `attempts` tries, none of which begins later than `deadline_s` after the
    first. Waits are random, up to a bound that doubles from `first_wait_s` to `longest_wait_s`."""

    attempts: int = 6
    deadline_s: float = 120.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The verdict that an error deserves another try. `cause` is a word for the log (throttle, transient,
    propagation, capacity); `after_s` is the least wait, as Retry-After asks for it."""

    cause: str
    after_s: float = 0.0


def call_with_retry(
    operation: Callable[[], T],
    *,
    name: str,
    classify: Callable[[BaseException], Retry | None],
    policy: RetryPolicy,
    clock: Clock,
) -> T:
    """Call `operation`, and again after errors that `classify` gives a Retry for: it must be safe to repeat.

    The last error is raised as it is once the policy's bounds are reached. A least wait beyond the time left
    is not waited for: TimedOutError at once, saying when to resume.
    """
    call = _Call(name=name, classify=classify, policy=policy, clock=clock, started=clock.monotonic())
    retrying = Retrying(
        retry=retry_if_exception(lambda error: classify(error) is not None),
        wait=call.wait,
        stop=call.is_over,
        sleep=clock.sleep,
        before_sleep=call.log_wait,
        retry_error_callback=call.give_up,
    )
    return retrying(operation)


def parse_retry_after(value: str, *, now: datetime) -> float:
    """The seconds that a Retry-After header asks for, given as seconds or as an HTTP date (RFC 9110, 10.2.3).

    A header that is neither, or lies in the past, asks for nothing: 0.
    """
    text = value.strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """The hooks that tenacity asks during one call."""

    name: str
    classify: Callable[[BaseException], Retry | None]
    policy: RetryPolicy
    clock: Clock
    started: float

    def wait(self, state: RetryCallState) -> float:
        backoff = wait_random_exponential(multiplier=self.policy.first_wait_s, max=self.policy.longest_wait_s)
        return max(self._verdict(state).after_s, backoff(state))

    def is_over(self, state: RetryCallState) -> bool:
        return state.attempt_number >= self.policy.attempts or state.upcoming_sleep > self._remaining()

    def log_wait(self, state: RetryCallState) -> None:
        cause = self._verdict(state).cause
        log.warning(
            "%s: attempt %d met %s, next in %.1f s",
            self.name,
            state.attempt_number,
            cause,
            state.upcoming_sleep,
        )

    def give_up(self, state: RetryCallState) -> None:
        error, verdict = _error_of(state), self._verdict(state)
        if verdict.after_s <= self._remaining():
            raise error
        resume = self.clock.now() + timedelta(seconds=verdict.after_s)
        raise TimedOutError(
            f"{self.name}: the remote side asks for a wait of {verdict.after_s:.0f} s ({verdict.cause}), "
            f"more than the {max(0.0, self._remaining()):.0f} s that are left for this call",
            hint=f"resume after {resume:%Y-%m-%d %H:%M:%S} UTC",
        ) from error

    def _remaining(self) -> float:
        return self.policy.deadline_s - (self.clock.monotonic() - self.started)

    def _verdict(self, state: RetryCallState) -> Retry:
        return self.classify(_error_of(state)) or Retry(cause="unclassified")


def _error_of(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome is not None else None
    if error is None:
        raise ValueError("tenacity asked about an attempt that has not failed")
    return error
