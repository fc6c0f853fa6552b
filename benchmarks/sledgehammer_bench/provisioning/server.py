"""The local GitLab in a process of its own, so that what is measured does not share its Python."""

import json
import multiprocessing
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sledgehammer.secret import Secret
from sledgehammer_localstack.gitlab.server import GitLabServer
from sledgehammer_localstack.gitlab.settings import GitLabSettings

TOKEN = "glpat-benchmark"  # noqa: S105 - of a server that lives for this benchmark


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running GitLab; it counts its own requests while a rule is in force."""

    url: str

    def load(self, *rules: dict[str, Any]) -> None:
        """Put these rules of faults in force; counting begins anew. One that delays by nothing only counts."""
        self._ask("POST", {"rules": list(rules)})

    def met(self, fault: str = "") -> int:
        """How many requests met a rule since then."""
        return sum(fault in ("", one["fault"]) for one in self._ask("GET", None)["injected"])

    def _ask(self, method: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/-/faults", data=data, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """A GitLab without projects that keeps its state there."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(folder, theirs), daemon=True)
    process.start()
    try:
        yield Server(url=ours.recv())
    finally:
        ours.send("end")
        process.join(timeout=30)


def _serve(folder: Path, control: Connection) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings = GitLabSettings(
        state_dir=folder,
        root_token=Secret(TOKEN),
        runner_token=Secret("glrt-benchmark"),
        signing_key=Secret(key.decode()),
    )
    with GitLabServer(settings) as server:
        control.send(server.url)
        control.recv()
