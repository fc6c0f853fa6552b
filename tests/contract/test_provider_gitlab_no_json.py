"""What answers for GitLab is something else: a proxy, or a login page before it."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sledgehammer.errors import RemoteError
from sledgehammer.retry import RetryPolicy
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.credentials import find_access
from sledgehammer_gitlab.paths import find_project

PAGE = b"<html>Please log in</html>"


class _LoginPage(BaseHTTPRequestHandler):
    """Says 200 to whatever is asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *words: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _LoginPage)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _nothing() -> None:
    return None


CALLS: dict[str, Callable[[Api], object]] = {
    "project": lambda api: find_project(api, "team/web"),
    "get": lambda api: api.get("/x"),
    "get_list": lambda api: api.get_list("/x"),
    "get_page": lambda api: api.get_page("/x"),
    "get_bytes": lambda api: api.get_bytes("/x"),
    "find_bytes": lambda api: api.find_bytes("/x"),
    "put": lambda api: api.put("/x", {}),
    "patch": lambda api: api.patch("/x", {}),
    "delete": lambda api: api.delete("/x"),
    "post_repeatable": lambda api: api.post_repeatable("/x"),
    "post_for_answer": lambda api: api.post_for_answer("/x", {}),
    "query": lambda api: api.query("{ x }", {}),
    "create": lambda api: api.create("/x", {}, find=_nothing),
    "create_shown_once": lambda api: api.create_shown_once("/x", {}, forget=_nothing),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_page_in_place_of_json_is_told_at_once(url: str, call: Callable[[Api], object]) -> None:
    """Of every call, with what to look at; it is not tried again."""
    clock = FakeClock()
    api = Api(find_access(url, {"GITLAB_TOKEN": "a-token"}), clock=clock, policy=RetryPolicy())
    with pytest.raises(RemoteError, match=r"answered with no JSON \(text/html\)") as caught:
        call(api)
    assert "log in to the proxy" in caught.value.hint
    assert api.sent == 1
