"""Requests per minute and caller, with GitLab's RateLimit headers (administration docs, "User and IP rate limits")."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_S = 60
UNLIMITED = 2000  # what the headers name when nobody is limited: GitLab.com's figure per user and minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a request may pass, and the headers that say how it stands."""

    allowed: bool
    headers: Mapping[str, str]


class RateLimiter:
    """Counts each caller's requests in fixed windows of a minute. `limit` 0 counts and lets all pass."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._window = 0
        self._seen: dict[str, int] = {}

    def admit(self, caller: str) -> Verdict:
        """Count one request."""
        moment = time.time()
        window = int(moment // WINDOW_S)
        with self._lock:
            if window != self._window:
                self._window, self._seen = window, {}
            observed = self._seen[caller] = self._seen.get(caller, 0) + 1
        limit = self._limit or UNLIMITED
        reset = (window + 1) * WINDOW_S
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Observed": str(observed),
            "RateLimit-Remaining": str(max(0, limit - observed)),
            "RateLimit-Reset": str(reset),
        }
        if self._limit and observed > self._limit:
            wait = {"Retry-After": str(max(1, round(reset - moment)))}
            reset_time = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(reset))
            return Verdict(allowed=False, headers={**headers, **wait, "RateLimit-ResetTime": reset_time})
        return Verdict(allowed=True, headers=headers)
