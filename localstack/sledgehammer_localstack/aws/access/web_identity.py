"""The token of an OpenID Connect provider: whether it is genuine, and what it says.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from dataclasses import dataclass
from datetime import datetime

import jwt
import requests

from sledgehammer_localstack.aws.access.condition import Context

TIMEOUT_S = 10
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]


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
    """Check signature, by the keys that the issuer publishes, and expiry. Raises TokenError."""
    try:
        key_id = jwt.get_unverified_header(token).get("kid", "")
        claims = jwt.decode(token, options={"verify_signature": False})
        issuer, audience, expires = claims["iss"], claims["aud"], float(claims["exp"])
        identity = WebIdentity(
            issuer=issuer,
            subject=claims["sub"],
            audience=audience if isinstance(audience, str) else str(audience[0]),
        )
    except (jwt.InvalidTokenError, KeyError, IndexError, TypeError, ValueError) as error:
        raise TokenError("The ID Token provided is not a valid JWT.") from error
    if expires < now.timestamp():
        words = f"Token expired: current date/time {now.timestamp():.0f} must be before {expires:.0f}"
        raise TokenError(words, code="ExpiredTokenException")
    try:
        key = _find_key(issuer, key_id)
        # its time was checked by our clock, its audience is the provider's affair
        jwt.decode(token, key=key, algorithms=ALGORITHMS, options={"verify_exp": False, "verify_aud": False})
    except jwt.InvalidTokenError as error:
        raise TokenError("Couldn't verify the token: its signature is not its issuer's") from error
    return identity


def _find_key(issuer: str, key_id: str) -> jwt.PyJWK:
    try:
        place = requests.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=TIMEOUT_S).json()
        keys = jwt.PyJWKSet.from_dict(requests.get(place["jwks_uri"], timeout=TIMEOUT_S).json())
    except (requests.RequestException, jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
        raise TokenError(f"Couldn't retrieve verification key from your identity provider {issuer}") from error
    for key in keys.keys:
        if key.key_id == key_id:
            return key
    raise TokenError(f"Couldn't verify the token: {issuer} has no key {key_id}")
