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


class TokenRefusedError(Exception):
    """A header that does not open the registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Password:
    access_key_id: str
    expires: datetime


class RegistryTokens:
    """Knows the passwords it gave and when they end."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._passwords: dict[str, _Password] = {}
        self._lock = threading.Lock()

    def issue(self, access_key_id: str) -> IssuedToken:
        """A new password for whoever holds this key; earlier ones stay good until their own end."""
        password = secrets.token_urlsafe(48)
        with self._lock:
            now = self._now()
            self._passwords = {old: known for old, known in self._passwords.items() if known.expires > now}
            self._passwords[password] = _Password(access_key_id=access_key_id, expires=now + LIFE)
        text = base64.b64encode(f"{USER}:{password}".encode()).decode()
        return IssuedToken(text=text, expires=now + LIFE)

    def holder(self, authorization: str) -> str:
        """The access key id behind an Authorization header. Raises TokenRefusedError."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "basic":
            raise TokenRefusedError("no basic auth credentials")
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TokenRefusedError("the credentials cannot be read") from error
        with self._lock:
            known = self._passwords.get(password)
        if user != USER or known is None:
            raise TokenRefusedError("Not Authorized")
        if known.expires <= self._now():
            raise TokenRefusedError("Your authorization token has expired. Reauthenticate and try again.")
        return known.access_key_id
