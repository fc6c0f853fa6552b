"""A local cloud in a process of its own, so that what is measured does not share its Python."""

import json
import multiprocessing
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

COUNT = {"fault": "delay", "delay_s": 0}
"""A rule of faults that does nothing but count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running cloud; it counts its own requests while a rule is in force."""

    url: str

    def load(self, *rules: dict[str, Any]) -> None:
        """Put these rules of faults in force; counting begins anew. One that delays by nothing only counts."""
        self._ask("POST", {"rules": list(rules)})

    def met(self, fault: str = "") -> int:
        """How many requests met a rule since then."""
        return sum(fault in ("", one["fault"]) for one in self._ask("GET", None)["injected"])

    def written(self) -> int:
        """How many requests that met a rule since then were to change something, by their HTTP methods."""
        return sum(one["method"] not in ("GET", "HEAD") for one in self._ask("GET", None)["injected"])

    def _ask(self, method: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/-/faults", data=data, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())


@contextmanager
def serve(work: Callable[..., None], *arguments: object) -> Iterator[Server]:
    """Run `work(*arguments, control)` in a new process: it sends the server's address, then serves until it receives
    anything. A function of a module, for it is looked up there by its name."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Server(url=ours.recv())
    finally:
        ours.send("end")
        process.join(timeout=30)


def until_told(url: str, control: Connection) -> None:
    """What `work` ends with."""
    control.send(url)
    control.recv()
