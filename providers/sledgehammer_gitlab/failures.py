"""What can go wrong with one request, which of it deserves another try, and how it is told to a person."""

from dataclasses import dataclass

from sledgehammer.errors import (
    ConfigurationError,
    ConflictError,
    CredentialsError,
    NotFoundError,
    RemoteError,
    SledgehammerError,
    UnreachableError,
)
from sledgehammer.provisioning import AlreadyExistsError
from sledgehammer.retry import Retry

THROTTLED = 429

_BEFORE_GITLAB = frozenset({502, 503, 504, *range(520, 531)})
"""Its load balancer's and Cloudflare's answers in its place."""

_LATER = "run the command again later"

TRANSIENT = frozenset({500, *_BEFORE_GITLAB})
"""These, and GitLab's own that passes by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed request. `status` is 0 when no answer came; `message` is GitLab's own text.

    `is_lasting` marks a missing answer that will not come either next time (TLS, a wrong address). `no_json` is the
    type of an answer that came in place of JSON.
    """

    status: int
    message: str
    retry_after_s: float = 0.0
    is_lasting: bool = False
    no_json: str = ""

    @property
    def is_outcome_unknown(self) -> bool:
        """Whether the request may have had its effect all the same."""
        return self.status in TRANSIENT or (self.status == 0 and not self.is_lasting)

    @property
    def says_taken(self) -> bool:
        """Whether something of that name exists already."""
        return self.status == 409 or (self.status in (400, 422) and "already been taken" in self.message)


class WrongTokenError(CredentialsError):
    """GitLab does not take the token for anything."""


class RequestFailedError(Exception):
    """Carries a Failure from the SDK's edge to the retry policy; never leaves this package."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.status} {failure.message}")
        self.failure = failure


def classify(error: BaseException) -> Retry | None:
    """The verdict on a request that is safe to repeat."""
    if not isinstance(error, RequestFailedError):
        return None
    if error.failure.status == THROTTLED:
        return Retry(cause="throttle", after_s=error.failure.retry_after_s)
    if error.failure.is_outcome_unknown:
        return Retry(cause="transient", after_s=error.failure.retry_after_s)
    return None


def explain(failure: Failure, *, tried: str, token_source: str) -> SledgehammerError:
    """The failure as the error that tells a person what to do. `tried` is the call in words."""
    words = failure.message.removeprefix(str(failure.status)).strip()  # GitLab says "401 Unauthorized" in its body
    if failure.no_json:
        return UnreachableError(
            f"{tried}: answered with no JSON ({failure.no_json})",
            hint="check GitLab's address, or log in to the proxy before it",
        )
    said = f"{tried}: GitLab answered {failure.status} {words}".rstrip()
    match failure.status:
        case 0:
            return UnreachableError(
                f"{tried}: no answer: {failure.message}", hint="check GitLab's address and this machine's network"
            )
        case 401:
            return WrongTokenError(said, hint=f"the token from {token_source} is wrong, revoked or expired")
        case 403:
            return CredentialsError(
                said, hint=f"the token from {token_source} needs scope api, its user at least the role Maintainer"
            )
        case 404:
            return NotFoundError(said, hint="it does not exist, or this token may not see it")
        case 400 | 409 | 422 if failure.says_taken and "already" in failure.message:
            return AlreadyExistsError(said)
        case 409:
            return ConflictError(said)
        case 400 | 422:
            return ConfigurationError(said, hint=_hint_of_rejection(failure.message))
        case status if status in _BEFORE_GITLAB:
            return UnreachableError(said, hint=_LATER)
        case _:
            return RemoteError(said, hint=_LATER)


def _hint_of_rejection(message: str) -> str:
    if "pipeline variables" in message:
        return "allow them: Settings > CI/CD > Variables > Minimum role to use pipeline variables"
    return ""
