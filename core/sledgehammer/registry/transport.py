"""One request to a registry: the challenge answered, redirects followed without credentials, bodies bounded."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from sledgehammer.errors import TimedOutError
from sledgehammer.polling import Clock
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.authorizer import Authorizer, Scope
from sledgehammer.registry.failures import Failure, RequestFailedError, read_failure
from sledgehammer.retry import parse_retry_after

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""Specification, "Pushing Manifests": registries take at least that much, clients need not take more."""

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK_BYTES = 64 * 1024
_LASTING = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidProxyURL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`target` is a path, or the URL that an upload was given. `takes` are the statuses that are no failure."""

    method: str
    target: str
    scopes: tuple[Scope, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    takes: tuple[int, ...] = (200,)
    max_bytes: int = MAX_MANIFEST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`url` is where it came from, to which a relative Location belongs; header names are in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds to connect and between two bytes; `until` is the clock's moment at which everything has to end."""

    connect_s: float = 5.0
    read_s: float = 30.0
    until: float | None = None


class Transport:
    """Requests to one registry as one user, one at a time."""

    def __init__(self, access: RegistryAccess, *, clock: Clock, limits: Limits) -> None:
        self._access = access
        self._clock = clock
        self._limits = limits
        self._session = requests.Session()
        self._authorizer = Authorizer(access, clock=clock, fetch_token=self._fetch_token)

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def send(self, request: Request) -> Answer:
        """Send once, twice where the registry challenges. Raises RequestFailedError for what `takes` has not."""
        answer = self._send_authorized(request)
        if answer.status == 401 and self._is_ours(answer.url):  # whoever it redirects to may not ask for a password
            challenge = answer.headers.get("WWW-Authenticate", "")
            if self._authorizer.learn(challenge, request.scopes):
                answer = self._send_authorized(request)
        if answer.status not in request.takes:
            raise RequestFailedError(self._failure(answer))
        return answer

    def _send_authorized(self, request: Request) -> Answer:
        url = urljoin(self._access.url, request.target)
        authorization = self._authorizer.header(request.scopes) if self._is_ours(url) else ""
        for _ in range(_MAX_REDIRECTS):
            headers = {**request.headers, **({"Authorization": authorization} if authorization else {})}
            answer = self._exchange(request, url, headers)
            if request.method not in ("GET", "HEAD") or answer.status not in _REDIRECTS:
                return answer
            following = urljoin(url, answer.headers.get("Location", ""))
            if url.startswith("https://") and not following.startswith("https://"):
                raise _broken("it redirects from https to something else", is_lasting=True)
            if _origin(following) != _origin(url):
                authorization = ""  # a storage service refuses requests with two kinds of credentials
            url = following
        raise _broken(f"more than {_MAX_REDIRECTS} redirects", is_lasting=True)

    def _is_ours(self, url: str) -> bool:
        return _origin(url) == _origin(self._access.url)

    def _fetch_token(self, url: str, query: tuple[tuple[str, str], ...], authorization: str) -> Mapping[str, object]:
        request = Request(method="GET", target=url)
        headers = {"Authorization": authorization} if authorization else {}
        answer = self._exchange(request, url, headers, query)
        if answer.status != 200:
            raise RequestFailedError(self._failure(answer, service="the token service: "))
        try:
            parsed = json.loads(answer.content)
        except ValueError:
            parsed = None
        return parsed if isinstance(parsed, dict) else {}

    def _exchange(
        self, request: Request, url: str, headers: Mapping[str, str], query: Iterable[tuple[str, str]] = ()
    ) -> Answer:
        try:
            with self._session.request(
                request.method,
                url,
                params=[*query],
                data=request.body if request.method in ("POST", "PUT") else None,
                headers={"Accept-Encoding": "identity", **headers},  # else digests are not those of the bytes
                auth=_AsIs(),
                timeout=(self._within(self._limits.connect_s), self._within(self._limits.read_s)),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._read(response, request.max_bytes)
                return Answer(status=response.status_code, headers=response.headers, content=content, url=url)
        except requests.RequestException as error:
            self._within(0.0)
            raise _broken(type(error).__name__, is_lasting=isinstance(error, _LASTING)) from error

    def _read(self, response: requests.Response, max_bytes: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            self._within(0.0)
            content += chunk
            if len(content) > max_bytes:
                raise _broken(f"it sends more than {max_bytes} bytes", is_lasting=True)
        return bytes(content)

    def _within(self, seconds: float) -> float:
        """So many seconds, or what is left. Raises TimedOutError when nothing is."""
        if self._limits.until is None:
            return seconds
        left = self._limits.until - self._clock.monotonic()
        if left <= 0:
            raise TimedOutError(
                f"{self._access.host} did not answer everything in the time set for it", hint="run it again later"
            )
        return min(seconds, left)

    def _failure(self, answer: Answer, *, service: str = "") -> Failure:
        wait_s = parse_retry_after(answer.headers.get("Retry-After", ""), now=self._clock.now())
        return read_failure(answer.status, answer.content, retry_after_s=wait_s, who=service)


class _AsIs(AuthBase):
    """Keeps requests from adding credentials of a .netrc file."""

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        return prepared


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


def _broken(message: str, *, is_lasting: bool) -> RequestFailedError:
    return RequestFailedError(Failure(status=0, message=message, is_lasting=is_lasting))
