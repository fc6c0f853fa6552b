import logging
from datetime import UTC, datetime

import pytest

from sledgehammer.errors import TimedOutError
from sledgehammer.retry import Retry, RetryPolicy, call_with_retry, parse_retry_after
from sledgehammer.testing import FakeClock

DEFAULT = RetryPolicy()


class ThrottledError(Exception):
    """An error that carries its Retry-After."""

    def __init__(self, after_s: float = 0.0) -> None:
        super().__init__("slow down, token=hunter2")
        self.after_s = after_s


def classify(error: BaseException) -> Retry | None:
    return Retry(cause="throttle", after_s=error.after_s) if isinstance(error, ThrottledError) else None


class Scripted:
    """An operation that meets the scripted errors one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def call(operation: Scripted, clock: FakeClock, policy: RetryPolicy = DEFAULT) -> str:
    return call_with_retry(operation, name="GET project", classify=classify, policy=policy, clock=clock)


def test_retry_succeeds_after_classified_errors() -> None:
    """A call that is throttled twice answers in the end, after two waits."""
    operation, clock = Scripted(ThrottledError(), ThrottledError()), FakeClock()
    assert call(operation, clock) == "done"
    assert (operation.calls, len(clock.sleeps)) == (3, 2)


def test_retry_leaves_other_errors_alone() -> None:
    """An error without a verdict is raised at once, as it is."""
    operation, clock = Scripted(ValueError("wrong")), FakeClock()
    with pytest.raises(ValueError, match="wrong"):
        call(operation, clock)
    assert clock.sleeps == []


def test_retry_reraises_the_last_error_after_all_attempts() -> None:
    """The bound on attempts holds and the caller sees the remote side's own last error."""
    last = ThrottledError()
    operation = Scripted(ThrottledError(), ThrottledError(), last)
    with pytest.raises(ThrottledError) as caught:
        call(operation, FakeClock(), RetryPolicy(attempts=3))
    assert caught.value is last
    assert operation.calls == 3


def test_retry_waits_at_least_what_is_asked_for() -> None:
    """Retry-After is the least wait, whatever the back-off would be."""
    clock = FakeClock()
    call(Scripted(ThrottledError(17)), clock)
    assert clock.sleeps[0] >= 17


def test_retry_refuses_a_wait_beyond_the_budget() -> None:
    """A daily quota is not slept through: the error says at once when to resume."""
    clock = FakeClock(start=datetime(2026, 1, 1, 12, 0, tzinfo=UTC))
    with pytest.raises(TimedOutError, match="resume after 2026-01-02 12:00:00 UTC") as caught:
        call(Scripted(ThrottledError(86_400)), clock)
    assert clock.sleeps == []
    assert isinstance(caught.value.__cause__, ThrottledError)


def test_retry_ends_at_the_total_deadline() -> None:
    """However many attempts are left, no attempt begins after the deadline."""
    clock = FakeClock()
    with pytest.raises((ThrottledError, TimedOutError)):
        call(Scripted(*(ThrottledError(7) for _ in range(50))), clock, RetryPolicy(attempts=50, deadline_s=30))
    assert 21 <= sum(clock.sleeps) <= 30


def test_retry_logs_no_content_of_the_error(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the call, the attempt and the cause, and nothing that the remote side said."""
    with caplog.at_level(logging.WARNING):
        call(Scripted(ThrottledError()), FakeClock())
    assert "GET project: attempt 1 met throttle" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("12", 12.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header: str, seconds: float) -> None:
    """Both forms of RFC 9110 are understood; nonsense asks for no wait."""
    assert parse_retry_after(header, now=datetime(2026, 1, 1, tzinfo=UTC)) == seconds
