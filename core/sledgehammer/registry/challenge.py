"""What a registry asks for with a 401: the header WWW-Authenticate (RFC 9110, 11.6.1), several challenges in one."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DEFAULT_LIFE = timedelta(seconds=60)
"""Of a token that does not say: distribution, "Token Authentication Specification"."""

_ITEM = re.compile(
    r'[\s,]*(?:(?P<key>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))|(?P<scheme>[A-Za-z][\w-]*))'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """`scheme` in lower case; `parameters` such as realm and service."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """All challenges of a header, in order; what cannot be read ends the list."""
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while item := _ITEM.match(header, position):
        position = item.end()
        if item["scheme"]:
            found.append((item["scheme"].lower(), {}))
        elif found:
            quoted = item["quoted"]
            value = item["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1][item["key"].lower()] = value
    return tuple(Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token says of itself. `granted` maps a repository to its actions; None where the token does not tell."""

    granted: Mapping[str, frozenset[str]] | None
    expires: datetime


def read_claims(token: str, *, expires_in: object, now: datetime) -> TokenClaims:
    """Read a token without checking it, which is the registry's business.

    GitLab answers no `expires_in` and may grant less than was asked with a 200; both stand in the token's claims.
    """
    claims = _claims(token)
    if isinstance(claims.get("exp"), int):
        expires = datetime.fromtimestamp(claims["exp"], UTC)  # type: ignore[arg-type] # an int, as just seen
    elif isinstance(expires_in, int):
        expires = now + timedelta(seconds=expires_in)
    else:
        expires = now + DEFAULT_LIFE
    access = claims.get("access")
    granted = None
    if isinstance(access, list):
        granted = {
            str(one.get("name")): frozenset(str(action) for action in one.get("actions") or ())
            for one in access
            if isinstance(one, dict) and one.get("type") == "repository"
        }
    return TokenClaims(granted=granted, expires=expires)


def _claims(token: str) -> Mapping[str, object]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
