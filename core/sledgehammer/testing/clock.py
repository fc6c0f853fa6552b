"""A clock for tests: time passes only by sleeping, and sleeping takes no time."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A Clock that starts at a fixed moment; `sleeps` are the seconds of each sleep, in order."""

    def __init__(self, *, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return sum(self.sleeps)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
