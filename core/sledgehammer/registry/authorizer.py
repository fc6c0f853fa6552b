"""From a registry's challenge to the Authorization header of each request; tokens are kept while they live."""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from sledgehammer.polling import Clock
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.challenge import Challenge, parse_challenges, read_claims
from sledgehammer.registry.failures import Failure, RequestFailedError
from sledgehammer.secret import Secret

USED_LIFE = 0.8
"""A token is replaced after this part of its life, so that none expires under way."""

FetchToken = Callable[[str, tuple[tuple[str, str], ...], str], Mapping[str, object]]
"""GET of a URL with a query and an Authorization header ("" for none); gives the parsed answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a request does in a repository: pull, push, delete."""

    path: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"repository:{self.path}:{','.join(self.actions)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: Secret
    renew: datetime


class Authorizer:
    """Of one registry and one user. Before the first challenge it sends nothing: a password goes to who asks."""

    def __init__(self, access: RegistryAccess, *, clock: Clock, fetch_token: FetchToken) -> None:
        self._access = access
        self._clock = clock
        self._fetch = fetch_token
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[Scope, ...], _Token] = {}

    def header(self, scopes: tuple[Scope, ...]) -> str:
        """The header's value for a request of these scopes, "" for none. Raises RequestFailedError where the token
        service refuses, or grants less than the request needs."""
        if self._challenge is None:
            return ""
        if self._challenge.scheme == "basic":
            return self._basic()
        token = self._tokens.get(scopes)
        if token is None or token.renew <= self._clock.now():
            token = self._tokens[scopes] = self._ask(self._challenge, scopes)
        return f"Bearer {token.text.reveal()}"

    def learn(self, header: str, scopes: tuple[Scope, ...]) -> bool:
        """Take a 401's challenges; whether the request may succeed with what `header` gives now."""
        self._tokens.pop(scopes, None)
        known = {challenge.scheme: challenge for challenge in reversed(parse_challenges(header))}
        self._challenge = known.get("bearer") or (known.get("basic") if self._access.username else None)
        return self._challenge is not None

    def _basic(self) -> str:
        if not self._access.username:
            return ""
        pair = f"{self._access.username}:{self._access.password.reveal()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _ask(self, challenge: Challenge, scopes: tuple[Scope, ...]) -> _Token:
        realm = urljoin(f"{self._access.url}/v2/", challenge.parameters.get("realm", ""))
        if not realm.startswith("https://") and not self._access.is_plain_http:
            raise _refused("the token service is not reached by https, so it gets no password")
        service = challenge.parameters.get("service")
        query = [("service", service)] if service else []
        answer = self._fetch(realm, (*query, *(("scope", str(scope)) for scope in scopes)), self._basic())
        text = answer.get("token") or answer.get("access_token")
        if not isinstance(text, str):
            raise _refused("the token service answered without a token")
        now = self._clock.now()
        claims = read_claims(text, expires_in=answer.get("expires_in"), now=now)
        if claims.granted is not None:
            _check_granted(scopes, claims.granted)
        return _Token(text=Secret(text, source="token service"), renew=now + (claims.expires - now) * USED_LIFE)


def _check_granted(scopes: Iterable[Scope], granted: Mapping[str, frozenset[str]]) -> None:
    """GitLab answers 200 with fewer actions than asked, and the registry then 401 without end."""
    for scope in scopes:
        has = granted.get(scope.path, frozenset())
        if missing := [action for action in scope.actions if action not in has and "*" not in has]:
            given = f"only {', '.join(sorted(has))}" if has else "nothing"
            raise _refused(f"the token service grants {given} on {scope.path}, not {', '.join(missing)}")


def _refused(message: str) -> RequestFailedError:
    return RequestFailedError(Failure(status=403, code="DENIED", message=message))
