"""Clients of one GitLab in one process share connections, and nothing else."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sledgehammer.polling import SystemClock
from sledgehammer.retry import RetryPolicy
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.credentials import find_access


@dataclass(slots=True)
class Seen:
    """What a server has seen: who connected, and with which tokens."""

    url: str = ""
    clients: set[tuple[str, int]] = field(default_factory=set)
    tokens: list[str | None] = field(default_factory=list)


@pytest.fixture
def seen() -> Iterator[Seen]:
    """A server that keeps connections open."""
    found = Seen()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.clients.add(self.client_address)
            found.tokens.append(self.headers["PRIVATE-TOKEN"])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *words: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_projects_share_a_connection_and_no_token(seen: Seen) -> None:
    """One plan after the other connects once; each sends its own token."""
    for token in ("one-token", "another-token"):
        access = find_access(seen.url, {"GITLAB_TOKEN": token})
        Api(access, clock=SystemClock(), policy=RetryPolicy()).get("/projects/1")

    assert len(seen.clients) == 1
    assert seen.tokens == ["one-token", "another-token"]
