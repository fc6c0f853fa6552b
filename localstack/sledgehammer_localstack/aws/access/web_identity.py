"""The token of an OpenID Connect provider: whether it is genuine, and what it says.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from sledgehammer_localstack.aws.access.condition import Context

TIMEOUT_S = 10


class TokenError(Exception):
    """A token that is no proof; `code` is STS's word for it."""

    def __init__(self, message: str, *, code: str = "InvalidIdentityToken") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentity:
    """What a genuine token says of its holder."""

    issuer: str
    subject: str
    audience: str

    @property
    def context(self) -> Context:
        """Condition keys are named after the issuer (IAM user guide, "AWS OIDC federation" condition keys)."""
        prefix = self.issuer.split("://", 1)[-1].lower()
        return {f"{prefix}:sub": (self.subject,), f"{prefix}:aud": (self.audience,)}


def read_token(token: str, *, now: datetime) -> WebIdentity:
    """Check signature (RS256, by the keys that the issuer publishes) and expiry. Raises TokenError."""
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_decode(head)), json.loads(_decode(body))
        signed = _decode(signature)
        issuer, subject, audience, expires = claims["iss"], claims["sub"], claims["aud"], float(claims["exp"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise TokenError("The ID Token provided is not a valid JWT.") from error
    if expires < now.timestamp():
        raise TokenError(
            f"Token expired: current date/time {now.timestamp():.0f} must be before {expires:.0f}", code="ExpiredToken"
        )
    key = _find_key(issuer, header.get("kid", ""))
    try:
        numbers = RSAPublicNumbers(n=_number(key["n"]), e=_number(key["e"]))
        numbers.public_key().verify(signed, f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, KeyError, ValueError) as error:
        raise TokenError("Couldn't verify the token: its signature is not its issuer's") from error
    return WebIdentity(
        issuer=issuer, subject=subject, audience=audience if isinstance(audience, str) else str(audience[0])
    )


def _find_key(issuer: str, key_id: str) -> Mapping[str, Any]:
    try:
        place = requests.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=TIMEOUT_S).json()
        keys = requests.get(place["jwks_uri"], timeout=TIMEOUT_S).json()["keys"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise TokenError(f"Couldn't retrieve verification key from your identity provider {issuer}") from error
    for key in keys:
        if key.get("kid") == key_id and key.get("kty") == "RSA":
            return dict(key)
    raise TokenError(f"Couldn't verify the token: {issuer} has no key {key_id}")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")
