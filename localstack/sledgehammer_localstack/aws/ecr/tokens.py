"""Registry passwords as GetAuthorizationToken hands them out: 12 hours, user `AWS`.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html
"""

import base64
import binascii
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFE = timedelta(hours=12)
USER = "AWS"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """`text` is base64 of `AWS:<password>`."""

    text: str
    expires: datetime


class RegistryTokens:
    """Knows the passwords it gave and when they end."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._expiry: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def issue(self) -> IssuedToken:
        """A new password; earlier ones stay good until their own end."""
        password = secrets.token_urlsafe(48)
        with self._lock:
            now = self._now()
            self._expiry = {old: end for old, end in self._expiry.items() if end > now}
            self._expiry[password] = now + LIFE
        text = base64.b64encode(f"{USER}:{password}".encode()).decode()
        return IssuedToken(text=text, expires=now + LIFE)

    def refusal(self, authorization: str) -> str:
        """Why an Authorization header does not open the registry; empty when it does."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "basic":
            return "no basic auth credentials"
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "the credentials cannot be read"
        with self._lock:
            expires = self._expiry.get(password)
        if user != USER or expires is None:
            return "Not Authorized"
        return "" if expires > self._now() else "Your authorization token has expired. Reauthenticate and try again."
