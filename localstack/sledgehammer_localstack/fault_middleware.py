"""Faults at the door of a local cloud's HTTP server, and `/-/faults`, where tests script them."""

import errno
import json
import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.wrappers import Request, Response

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.faults import Fault, FaultCall, FaultRule, FaultScript, Injection, parse_rule

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL_PATH = "/-/faults"


class FaultDialect(Protocol):
    """How one cloud names a call and words its failures."""

    def operation(self, environ: "WSGIEnvironment") -> str:
        """The API operation of a request; empty where the cloud has no such names."""

    def throttled(self, environ: "WSGIEnvironment", retry_after_s: int) -> Response:
        """The answer to a client that asks too often."""

    def failed(self, environ: "WSGIEnvironment") -> Response:
        """The answer of a server that broke."""

    def unknown_yet(self, environ: "WSGIEnvironment") -> Response:
        """The answer of a server that has not heard of what was just made."""


class GitLabDialect:
    """GitLab's words: https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/"""

    def operation(self, environ: "WSGIEnvironment") -> str:
        return ""

    def throttled(self, environ: "WSGIEnvironment", retry_after_s: int) -> Response:
        return Response("Retry later\n", 429, headers={"Retry-After": str(retry_after_s)}, content_type="text/plain")

    def failed(self, environ: "WSGIEnvironment") -> Response:
        body = json.dumps({"message": "500 Internal Server Error"})
        return Response(body, 500, content_type="application/json")

    def unknown_yet(self, environ: "WSGIEnvironment") -> Response:
        body = json.dumps({"message": "404 Not found"})
        return Response(body, 404, content_type="application/json")


class FaultMiddleware:
    """Puts a script's faults before a WSGI application.

    `POST /-/faults` with `{"seed": 1, "rules": [{"fault": "throttle", "operation": "StartBuild", "calls": [1]}]}`
    loads rules, `DELETE` drops them, `GET` gives what was injected. A reset raises ConnectionResetError, on which
    the server drops the connection without a word.
    """

    def __init__(self, app: "WSGIApplication", script: FaultScript, dialect: FaultDialect) -> None:
        self._app = app
        self._script = script
        self._dialect = dialect
        self._earlier: dict[tuple[FaultCall, bytes], Response] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == CONTROL_PATH:
            return self._control(Request(environ))(environ, start_response)
        if not self._script.rules:
            return self._app(environ, start_response)
        query = environ.get("QUERY_STRING", "")
        call = FaultCall(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"] + (f"?{query}" if query else ""),
            operation=self._dialect.operation(environ),
        )
        rule = self._script.next_fault(call)
        if rule is not None and rule.fault is not Fault.STALE:
            return self._inject(rule, environ, start_response)
        if any(one.fault is Fault.STALE and one.fits(call) for one in self._script.rules):
            return self._remember(call, environ, is_stale=rule is not None)(environ, start_response)
        return self._app(environ, start_response)

    def _inject(self, rule: FaultRule, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if rule.fault is Fault.DELAY:
            threading.Event().wait(rule.delay_s)
            return self._app(environ, start_response)
        if rule.fault in (Fault.ERROR_AFTER, Fault.RESET_AFTER):
            Response.from_app(self._app, environ, buffered=True)
        if rule.fault in (Fault.RESET_BEFORE, Fault.RESET_AFTER):
            raise ConnectionResetError(errno.ECONNRESET, "a scripted fault")
        if rule.fault is Fault.THROTTLE:
            return self._dialect.throttled(environ, rule.retry_after_s)(environ, start_response)
        if rule.fault is Fault.UNKNOWN_YET:
            return self._dialect.unknown_yet(environ)(environ, start_response)
        return self._dialect.failed(environ)(environ, start_response)

    def _remember(self, call: FaultCall, environ: "WSGIEnvironment", *, is_stale: bool) -> Response:
        """The earlier answer where it is to be stale and there is one, else the real one, kept for the next time."""
        body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        key = (call, body)
        if is_stale and key in self._earlier:
            return self._earlier[key]
        self._earlier[key] = answer = Response.from_app(self._app, environ, buffered=True)
        return answer

    def _control(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                rules, seed = _read_script(request)
            except ConfigurationError as error:
                return Response(json.dumps({"error": error.message}), 400, content_type="application/json")
            self._script.load(rules, seed=seed)
        elif request.method == "DELETE":
            self._script.clear()
        elif request.method != "GET":
            return Response(status=405, headers={"Allow": "GET, POST, DELETE"})
        record = {"rules": len(self._script.rules), "injected": [_entry(done) for done in self._script.injected]}
        return Response(json.dumps(record), content_type="application/json")


def _read_script(request: Request) -> tuple[list[FaultRule], int]:
    body: Any = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("rules"), list) or set(body) - {"rules", "seed"}:
        raise ConfigurationError('the body is JSON: {"seed": 0, "rules": [{"fault": …}, …]}')
    if not isinstance(body.get("seed", 0), int) or not all(isinstance(entry, dict) for entry in body["rules"]):
        raise ConfigurationError("`seed` is a number and every rule an object")
    return [parse_rule(entry) for entry in body["rules"]], body.get("seed", 0)


def _entry(done: Injection) -> dict[str, Any]:
    call = {"method": done.call.method, "path": done.call.path, "operation": done.call.operation}
    return {"fault": done.fault.value, "number": done.number, **call}
