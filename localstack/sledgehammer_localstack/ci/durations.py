"""Durations in words, such as `1h 30m` or `3 weeks and 2 days`."""

import re

from sledgehammer_localstack.ci.errors import CiConfigError

_SECONDS = {
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("m", "min", "mins", "minute", "minutes"),
    3600: ("h", "hr", "hrs", "hour", "hours"),
    86400: ("d", "day", "days"),
    604800: ("w", "wk", "wks", "week", "weeks"),
    2592000: ("mo", "mos", "month", "months"),
    31557600: ("y", "yr", "yrs", "year", "years"),
}
_UNITS = {word: seconds for seconds, words in _SECONDS.items() for word in words}
_PART = re.compile(r"\s*(?:and\s+|,\s*)?(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


def duration_s(text: str, where: str) -> int:
    """Seconds of a duration; a bare number is seconds. Raises CiConfigError that names `where`.

    Units and their lengths: the gem chronic_duration, which GitLab uses."""
    position, total, text = 0, 0.0, text.strip()
    while position < len(text):
        match = _PART.match(text, position)
        unit = _UNITS.get(match[2].lower() or "s") if match else None
        if match is None or unit is None:
            raise CiConfigError(f"{where} should be a duration, such as `1h 30m`; got `{text}`")
        total += float(match[1]) * unit
        position = match.end()
    if not total:
        raise CiConfigError(f"{where} should be a duration above zero; got `{text}`")
    return int(total)
