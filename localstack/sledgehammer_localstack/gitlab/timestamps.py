"""Times as GitLab writes them: ISO 8601 in UTC with milliseconds, also the form they are stored in."""

from datetime import UTC, date, datetime, timedelta


def now() -> str:
    """The present moment."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """2026-11-24T03:39:46.123Z; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The other way; a time without a zone counts as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from start to end (to now when it has not ended), None when it has not started."""
    if start is None:
        return None
    return max(0.0, (parse(end or now()) - parse(start)).total_seconds())


def in_seconds(seconds: float) -> str:
    """The moment so many seconds from now."""
    return iso(datetime.now(UTC) + timedelta(seconds=seconds))


def is_past_day(day: str | None) -> bool:
    """Whether a date such as 2026-11-24 has come: GitLab's tokens end when their day begins."""
    return day is not None and date.fromisoformat(day[:10]) <= datetime.now(UTC).date()
