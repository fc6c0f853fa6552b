"""Where a registry is and how it is entered."""

from dataclasses import dataclass

from sledgehammer.secret import Secret

ANONYMOUS = Secret("", source="nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAccess:
    """`host` is a name with an optional port. Without a user name requests are anonymous. `is_plain_http` is only set
    on evidence: a password in clear text is anybody's."""

    host: str
    username: str = ""
    password: Secret = ANONYMOUS
    is_plain_http: bool = False

    @property
    def url(self) -> str:
        """Scheme and host."""
        return f"{'http' if self.is_plain_http else 'https'}://{self.host}"
