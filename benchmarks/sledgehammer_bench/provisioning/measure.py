"""One plan over a fleet, undisturbed, slow and throttled."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import requests

from sledgehammer.changes import ChangeSet
from sledgehammer_bench.provisioning.server import COUNT, Server

API = "/api/"
"""Where the paths of GitLab's REST and GraphQL begin."""

EVERY = 20
RETRY_AFTER_S = 1


class Fleet(Protocol):
    """Many projects of one cloud."""

    @property
    def server(self) -> Server:
        """The cloud."""

    def plan(self) -> Sequence[ChangeSet]:
        """Plan for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """`early`: requests that were sent again before the time that was asked for. `pending` counts changes that a plan
    found, which must be none."""

    name: str
    seconds: float
    requests: int
    throttled: int = 0
    early: int = 0
    pending: int = 0


def undisturbed(fleet: Fleet, name: str, *, latency_s: float) -> Measurement:
    """A plan where every answer comes so much later."""
    fleet.server.load(_later(latency_s, API))
    return _measured(fleet, _at(name, latency_s), fault="")


def as_process(server: Server, name: str, run: Callable[[], int], *, latency_s: float, path: str = "") -> Measurement:
    """The same of a program, from its start to its end, where answers about `path` come later; `run` gives how many
    changes it found or made."""
    server.load(_later(latency_s, path))
    started = time.monotonic()
    pending = run()
    seconds = time.monotonic() - started
    return Measurement(name=_at(name, latency_s), seconds=seconds, requests=server.met(), pending=pending)


def counted(fleet: Fleet) -> Measurement:
    """A plan of which nothing but the requests is of interest, as the server counts them."""
    fleet.server.load(COUNT)
    return _measured(fleet, "plan, AWS", fault="")


def throttled(fleet: Fleet) -> Measurement:
    """A plan where every 20th call is refused with Retry-After."""
    rule = {"fault": "throttle", "path": API, "every": EVERY, "retry_after_s": RETRY_AFTER_S}
    fleet.server.load(rule, _later(0, API))
    return _measured(fleet, f"plan, every {EVERY}th call throttled", fault="throttle")


def fastest(runs: Sequence[Measurement]) -> Measurement:
    """Of the same plan, several times; a change that any of them found remains one."""
    return replace(min(runs, key=lambda run: run.seconds), pending=max(run.pending for run in runs))


def _later(latency_s: float, path: str) -> dict[str, object]:
    return {"fault": "delay", "path": path, "delay_s": latency_s}


def _at(name: str, latency_s: float) -> str:
    return f"{name}, {latency_s * 1000:.0f} ms latency"


def _measured(fleet: Fleet, name: str, *, fault: str) -> Measurement:
    with _watched() as early:
        started = time.monotonic()
        plans = fleet.plan()
        seconds = time.monotonic() - started
    return Measurement(
        name=name,
        seconds=seconds,
        requests=fleet.server.met(),
        throttled=fleet.server.met(fault) if fault else 0,
        early=len(early),
        pending=sum(len(plan.pending) for plan in plans),
    )


@contextmanager
def _watched() -> Iterator[list[str]]:
    """Addresses that were asked again too early."""
    early: list[str] = []
    allowed_at: dict[str, float] = {}
    lock = threading.Lock()
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        url = str(request.url)
        with lock:
            if time.monotonic() < allowed_at.pop(url, 0.0):
                early.append(url)
        response = send(session, request, **options)
        if response.status_code == 429:
            with lock:
                allowed_at[url] = time.monotonic() + float(response.headers["Retry-After"])
        return response

    requests.Session.send = watched  # type: ignore[method-assign, assignment]
    try:
        yield early
    finally:
        requests.Session.send = send  # type: ignore[method-assign]
