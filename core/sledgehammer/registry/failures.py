"""What can go wrong with a request to a registry, which of it deserves another try, and how it is told."""

import json
from dataclasses import dataclass

from sledgehammer.errors import (
    ConflictError,
    CredentialsError,
    NotFoundError,
    RemoteError,
    SledgehammerError,
)
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.retry import Retry

THROTTLED = 429
TRANSIENT = frozenset({500, 502, 503, 504, *range(520, 531)})
LONGEST_MESSAGE = 300

IMMUTABLE_CODES = frozenset({"TAG_INVALID", "ImageTagAlreadyExistsException"})
"""ECR's answers to a second push of an immutable tag (aws/containers-roadmap#2380; ECR API reference, PutImage)."""


class RepositoryAbsentError(NotFoundError):
    """The registry has no such repository, and does not make one by itself."""


class ImmutableTagError(ConflictError):
    """The tag names another manifest and may not be moved."""


class RegistryRefusedError(RemoteError):
    """The registry understood and said no, for what was sent is not to its liking (400, 405, 413, 415, 422)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed request. `status` is 0 when no answer came; `code` and `message` are the registry's own.

    `is_lasting` marks a missing answer that will not come the next time either (TLS, a wrong address).
    """

    status: int
    message: str
    code: str = ""
    retry_after_s: float = 0.0
    is_lasting: bool = False

    @property
    def is_immutable_tag(self) -> bool:
        """Whether a tag could not be moved."""
        says_so = self.code in IMMUTABLE_CODES or "immutable" in self.message.lower()
        return self.status in (400, 403, 409) and says_so


class RequestFailedError(Exception):
    """Carries a Failure from the wire to the retry policy; never leaves this package."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.status} {failure.code} {failure.message}")
        self.failure = failure


def read_failure(status: int, body: bytes, *, retry_after_s: float, who: str = "") -> Failure:
    """An answer as a failure; errors are `{"errors": [{"code", "message"}]}` (specification). `who` goes before its
    words when it was not the registry itself."""
    code, message = "", body.decode(errors="replace").strip()
    try:
        (first, *_) = json.loads(body)["errors"]
        code, message = str(first.get("code", "")), str(first.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # a proxy's page, or nothing
    return Failure(status=status, code=code, message=(who + message)[:LONGEST_MESSAGE], retry_after_s=retry_after_s)


def classify(error: BaseException) -> Retry | None:
    """The verdict on a request that is safe to repeat."""
    if not isinstance(error, RequestFailedError):
        return None
    failure = error.failure
    if failure.status == THROTTLED:
        return Retry(cause="throttle", after_s=failure.retry_after_s)
    if failure.status in TRANSIENT or (failure.status == 0 and not failure.is_lasting):
        return Retry(cause="transient", after_s=failure.retry_after_s)
    return None


def explain(failure: Failure, *, tried: str, access: RegistryAccess) -> SledgehammerError:
    """The failure as the error that tells a person what to do."""
    said = f"{tried}: {access.host} answered {failure.status} {failure.code} {failure.message}".strip()
    who = f"user {access.username}, password from {access.password.source}" if access.username else "nobody logged in"
    if failure.is_immutable_tag:
        return ImmutableTagError(said, hint="the repository's tags are immutable; use another tag or repository")
    match failure.status:
        case 0:
            return RemoteError(
                f"{tried}: no answer from {access.host}: {failure.message}",
                hint="check the registry's address and this machine's network",
            )
        case 401:
            return CredentialsError(said, hint=f"the credentials are wrong or have expired ({who})")
        case 403:
            return CredentialsError(said, hint=f"the right is missing ({who})")
        case 404 if failure.code == "NAME_UNKNOWN":
            return RepositoryAbsentError(said, hint="make the repository first")
        case 404:
            return NotFoundError(said, hint="it does not exist, or these credentials may not see it")
        case 400 | 405 | 413 | 415 | 422:
            return RegistryRefusedError(said)
        case _:
            return RemoteError(said, hint="try again later")
