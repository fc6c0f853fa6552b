"""GitLab's APIs, REST v4 and GraphQL, through python-gitlab, with one retry policy and one kind of error.

python-gitlab's own retries stay off: they wait without jitter or bound, obey a Retry-After of a day, and send a
POST again after a 5xx. Answers are handed on as parsed JSON; callers read them into records at once.
"""

import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote

import gitlab
import requests
from gitlab.exceptions import GitlabError, GitlabParsingError, RedirectError

from sledgehammer.errors import SledgehammerError
from sledgehammer.polling import Clock
from sledgehammer.retry import RetryPolicy, call_with_retry, parse_retry_after
from sledgehammer_gitlab.credentials import Access, TokenKind
from sledgehammer_gitlab.failures import Failure, RequestFailedError, classify, explain

Json = Mapping[str, Any]
"""One object of an answer."""

T = TypeVar("T")

TIMEOUT_S = (5.0, 30.0)
"""To connect, and between two bytes."""

CONNECTIONS = 32
"""That are kept open to one server, for as many plans side by side."""

PER_PAGE = 100

_API = "/api/v4"

_PAGE = "text/html"
"""No answer of GitLab's API: a proxy's, or a login page before it."""

LONGEST_MESSAGE = 500
"""A proxy's error page is not worth more."""

_ONCE: Mapping[str, Any] = {"obey_rate_limit": False, "retry_transient_errors": False}
"""Every request is sent once by python-gitlab."""


def encode(part: str) -> str:
    """One segment of an API path: GitLab takes full paths and keys with their slashes encoded."""
    return quote(part, safe="")


class Api:
    """Requests to one server. Methods take API paths such as `/projects/team%2Fweb`."""

    def __init__(self, access: Access, *, clock: Clock, policy: RetryPolicy) -> None:
        self._access = access
        self._clock = clock
        self._policy = policy
        self._answer = threading.local()
        self.sent = 0
        """Answers so far, those to repeated requests included."""
        self._gitlab = _client(access)
        self._gitlab.session.hooks["response"].append(self._keep_headers)

    def get(self, path: str) -> Json:
        """Read one object."""
        return self._repeat_for_json(f"GET {path}", lambda: self._gitlab.http_get(path, **_ONCE))

    def find(self, path: str) -> Json | None:
        """Read one object; None when there is none that this token may see."""

        def once() -> Json | None:
            try:
                return self._send_for_json(lambda: self._gitlab.http_get(path, **_ONCE))
            except RequestFailedError as error:
                if error.failure.status == 404:
                    return None
                raise

        return self._call(f"GET {path}", once)

    def get_list(self, path: str, **query: str) -> list[Json]:
        """Read a list with all its pages. One that fails is asked for again by itself: of a list of many pages there
        is always one that is throttled."""
        rows, place = self._read_page(path, path, {**query, "per_page": str(PER_PAGE)})
        while place:
            more, place = self._read_page(path, place, {})
            rows += more
        return rows

    def _read_page(self, path: str, place: str, query: Mapping[str, str]) -> tuple[list[Json], str]:
        """Its rows, and where the next one is; "" behind the last one. `path` is the list's, for errors."""

        def once() -> object:
            answer = cast(requests.Response, self._gitlab.http_get(place, dict(query), raw=True, **_ONCE))
            following = answer.links.get("next", {}).get("url", "")
            return answer.json(), following.partition(_API)[2]  # at the address that was given, whatever it is called

        return cast(tuple[list[Json], str], self._repeat(f"GET {path}", once))

    def get_page(self, path: str, **query: str) -> list[Json]:
        """Read the first page of a list."""
        answer = self._repeat_for_json(f"GET {path}", lambda: self._gitlab.http_get(path, query, **_ONCE))
        return cast(list[Json], answer)

    def get_bytes(self, path: str) -> bytes:
        """Read a raw body, such as a job's trace."""
        answer = self._repeat(f"GET {path}", lambda: self._gitlab.http_get(path, raw=True, **_ONCE))
        return cast(requests.Response, answer).content

    def find_bytes(self, path: str) -> bytes | None:
        """Read a raw body; None when there is none that this token may see."""

        def once() -> bytes | None:
            try:
                answer = self._send(lambda: self._gitlab.http_get(path, raw=True, **_ONCE))
            except RequestFailedError as error:
                if error.failure.status == 404:
                    return None
                raise
            return cast(requests.Response, answer).content

        return self._call(f"GET {path}", once)

    def put(self, path: str, body: Json) -> Json:
        """Bring an object's attributes to these values; safe to repeat."""
        return self._repeat_for_json(f"PUT {path}", lambda: self._gitlab.http_put(path, post_data=dict(body), **_ONCE))

    def patch(self, path: str, body: Json) -> Json:
        """The same where GitLab wants a PATCH."""
        return self._repeat_for_json(
            f"PATCH {path}", lambda: self._gitlab.http_patch(path, post_data=dict(body), **_ONCE)
        )

    def delete(self, path: str) -> None:
        """Remove one object; one that is not there is no error."""

        def once() -> None:
            try:
                self._send(lambda: self._gitlab.http_delete(path, **_ONCE))
            except RequestFailedError as error:
                if error.failure.status != 404:
                    raise

        self._call(f"DELETE {path}", once)

    def post_repeatable(self, path: str) -> Json:
        """A POST whose second call does no harm, such as cancel."""
        return self._repeat_for_json(f"POST {path}", lambda: self._gitlab.http_post(path, **_ONCE))

    def post_for_answer(self, path: str, body: Json) -> Json:
        """A POST that only asks, such as lint, or that brings about the same however often it comes."""
        return self._repeat_for_json(
            f"POST {path}", lambda: self._gitlab.http_post(path, post_data=dict(body), **_ONCE)
        )

    def query(self, text: str, variables: Json) -> Json:
        """Ask GraphQL; gives the answer as it is, with `data`, `errors` or both (GraphQL API docs). Queries only: they
        change nothing, so that this POST is safe to repeat."""
        token, url = self._access.token.reveal(), f"{self._access.url}/api/graphql"
        body: Json = {"query": text, "variables": dict(variables)}
        headers = {"Authorization": f"Bearer {token}"}
        return self._repeat_for_json(
            "POST /api/graphql",
            lambda: self._gitlab.http_post(url, post_data=dict(body), extra_headers=headers, **_ONCE),
        )

    def create(self, path: str, body: Json, *, find: Callable[[], Json | None]) -> Json:
        """Make one object with a POST, however often the answer gets lost.

        Once the outcome of an attempt is unknown, `find` looks for the object before another is made; it gives
        None when there is none.
        """
        is_unknown = False

        def once() -> Json:
            nonlocal is_unknown
            if is_unknown and (found := find()) is not None:
                return found
            try:
                return self._send_for_json(lambda: self._gitlab.http_post(path, post_data=dict(body), **_ONCE))
            except RequestFailedError as error:
                if is_unknown and error.failure.says_taken and (found := find()) is not None:
                    return found
                is_unknown = is_unknown or error.failure.is_outcome_unknown
                raise

        try:
            return self._call(f"POST {path}", once)
        except SledgehammerError:
            if is_unknown and (found := find()) is not None:
                return found
            raise

    def create_shown_once(self, path: str, body: Json, *, forget: Callable[[], None]) -> Json:
        """Make one object with a POST whose answer alone has its secret.

        An attempt with an unknown outcome may have made one that nobody can use. The caller removes those beside the
        one that is given; where none is given, `forget` does.
        """
        try:
            return self._repeat_for_json(
                f"POST {path}", lambda: self._gitlab.http_post(path, post_data=dict(body), **_ONCE)
            )
        except SledgehammerError:
            forget()
            raise

    def _repeat(self, name: str, request: Callable[[], object]) -> object:
        return self._call(name, lambda: self._send(request))

    def _repeat_for_json(self, name: str, request: Callable[[], object]) -> Json:
        return self._call(name, lambda: self._send_for_json(request))

    def _call(self, name: str, operation: Callable[[], T]) -> T:
        try:
            return call_with_retry(operation, name=name, classify=classify, policy=self._policy, clock=self._clock)
        except RequestFailedError as error:
            raise explain(error.failure, tried=unquote(name), token_source=self._access.token.source) from error

    def _send_for_json(self, request: Callable[[], object]) -> Json:
        """One request. Where the answer is no JSON python-gitlab hands on the answer itself; one without content says
        nothing."""
        answer = self._send(request)
        if not isinstance(answer, requests.Response):
            return cast(Json, answer)
        if answer.status_code != requests.codes.no_content:
            raise self._no_json()
        return {}

    def _send(self, request: Callable[[], object]) -> object:
        """One request; whatever python-gitlab or requests raise becomes a RequestFailedError."""
        self._answer.retry_after = self._answer.content_type = ""
        try:
            answer = request()
        except RedirectError as error:
            raise RequestFailedError(Failure(status=0, message=str(error), is_lasting=True)) from error
        except (GitlabParsingError, requests.exceptions.JSONDecodeError) as error:
            raise self._no_json() from error
        except GitlabError as error:
            wait_s = parse_retry_after(self._answer.retry_after, now=self._clock.now())
            message = str(error.error_message)[:LONGEST_MESSAGE]
            raise RequestFailedError(
                Failure(status=error.response_code or 0, message=message, retry_after_s=wait_s)
            ) from error
        except requests.RequestException as error:
            is_lasting = isinstance(error, _LASTING)
            message = f"{type(error).__name__} at {self._access.url}"
            raise RequestFailedError(Failure(status=0, message=message, is_lasting=is_lasting)) from error
        if self._answer.content_type.startswith(_PAGE):
            raise self._no_json()
        return answer

    def _no_json(self) -> RequestFailedError:
        return RequestFailedError(Failure(status=200, message="", no_json=self._answer.content_type or "no type"))

    def _keep_headers(self, response: requests.Response, *args: object, **options: object) -> None:
        """python-gitlab's exceptions lose the headers, and with them Retry-After."""
        self.sent += 1
        self._answer.retry_after = response.headers.get("Retry-After", "")
        self._answer.content_type = response.headers.get("Content-Type", "").partition(";")[0]


_LASTING = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.TooManyRedirects,
)


def _client(access: Access) -> gitlab.Gitlab:
    token = access.token.reveal()
    client = gitlab.Gitlab(
        access.url,
        private_token=token if access.kind is TokenKind.PRIVATE else None,
        oauth_token=token if access.kind is TokenKind.OAUTH else None,
        job_token=token if access.kind is TokenKind.JOB else None,
        ssl_verify=access.ca_bundle or access.verify_tls,
        timeout=cast(float, TIMEOUT_S),  # requests takes the pair; python-gitlab's annotation knows one number
        keep_base_url=True,  # pages are asked for at the address that was given, whatever GitLab calls itself
        retry_transient_errors=False,
    )
    for scheme in ("https://", "http://"):
        client.session.mount(scheme, _connections())
    return client


@cache
def _connections() -> requests.adapters.HTTPAdapter:
    """One for all clients of a process: of many projects with a plan each, most would send no more than one request
    over a connection of their own. Tokens go with each request."""
    return requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS)
