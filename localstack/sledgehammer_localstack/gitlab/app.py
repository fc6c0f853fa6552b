"""The WSGI application: finds the route, the caller and the answer of each request."""

import json
import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from sledgehammer_localstack.gitlab.answers import (
    ApiError,
    Json,
    Reply,
    insufficient_scope,
    text,
    unauthorized,
)
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import ANONYMOUS, Caller, caller_of_job, caller_of_token, digest
from sledgehammer_localstack.gitlab.limits import RateLimiter
from sledgehammer_localstack.gitlab.parameters import Parameters, read_parameters
from sledgehammer_localstack.gitlab.routing import Route, Router
from sledgehammer_localstack.gitlab.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

API = "/api/v4"
ANY_API = "/api/"


class GitLabApplication:
    """Serves the routes it is given over one set of services."""

    def __init__(self, services: Services, routes: Iterable[Route]) -> None:
        self._services = services
        self._router = Router(routes)
        self._limiter = RateLimiter(services.settings.rate_limit_per_minute)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        raw_path = urlsplit(environ.get("REQUEST_URI") or environ["PATH_INFO"]).path
        environ["sledgehammer.raw_path"] = raw_path
        common = {"X-Request-Id": uuid.uuid4().hex, "X-Content-Type-Options": "nosniff"}
        try:
            reply = self._limited(request, raw_path, common) or self._answer(request, raw_path)
        except ApiError as refusal:
            reply = refusal.reply
        except Exception:
            log.exception("%s %s failed: a bug of the local GitLab", request.method, raw_path)
            reply = Reply(status=500, payload={"message": "500 Internal Server Error"})
        request.close()  # uploaded files
        return _response(reply, common)(environ, start_response)

    def _limited(self, request: Request, raw_path: str, common: dict[str, str]) -> Reply | None:
        """Count a call of the API against its token, else its address, and refuse it past the limit."""
        if not raw_path.startswith(ANY_API):
            return None
        token = _header_token(request)
        verdict = self._limiter.admit(digest(token) if token else f"ip:{request.remote_addr}")
        common |= verdict.headers
        return None if verdict.allowed else text("Retry later\n", status=429)

    def _answer(self, request: Request, raw_path: str) -> Reply:
        found = self._router.find(request.method, raw_path)
        if found is None:
            if methods := self._router.methods(raw_path):
                return Reply(status=405, payload={"error": "405 Not Allowed"}, headers={"Allow": ", ".join(methods)})
            return Reply(status=404, payload={"error": "404 Not Found"})
        route, placeholders = found
        params = read_parameters(request) if raw_path.startswith(API) else Parameters({})
        caller = self._admit(route, request, params)
        return route.handler(
            Call(request=request, services=self._services, caller=caller, path=placeholders, params=params)
        )

    def _admit(self, route: Route, request: Request, params: Parameters) -> Caller:
        """The caller, if the route takes this kind of credential and one of its scopes is there."""
        if route.anonymous:
            return ANONYMOUS
        token = _header_token(request) or params.text("private_token")
        if token is not None:
            caller = caller_of_token(self._services.store, token)
            if not caller.has_scope(*route.scopes):
                raise insufficient_scope(route.scopes)
            return caller
        job_token = request.headers.get("Job-Token") or params.text("job_token")
        if job_token is not None:
            if not route.job_token:
                raise unauthorized()
            return caller_of_job(self._services.store, job_token)
        return ANONYMOUS


def _header_token(request: Request) -> str | None:
    bearer = request.headers.get("Authorization", "")
    if bearer.lower().startswith("bearer "):
        return bearer[7:].strip()
    return request.headers.get("Private-Token")


def _response(reply: Reply, common: Mapping[str, str]) -> Response:
    body: Iterable[bytes] = reply.stream if reply.stream is not None else (_json(reply.payload),)
    headers = {**common, **reply.headers}
    if reply.status not in (204, 304):
        headers.setdefault("Content-Type", reply.content_type)
    response = Response(body, status=reply.status, headers=headers)
    if reply.status in (204, 304):
        response.headers.remove("Content-Type")
    elif isinstance(body, tuple) and "Content-Length" not in headers:
        response.headers["Content-Length"] = str(sum(len(part) for part in body))
    return response


def _json(payload: Json) -> bytes:
    return json.dumps(payload).encode()
