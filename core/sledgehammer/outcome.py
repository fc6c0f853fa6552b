"""One triggered build and how it ended."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A build that a provider has accepted. `id` is the provider's (pipeline id, build id), `url` for a person."""

    provider: str
    id: str
    url: str
    commit: str


class Status(Enum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class FailureClass(Enum):
    """Whose failure it is, which decides what a retry is worth."""

    NONE = "none"
    USER = "user"  # a command of the build failed
    CAPACITY = "capacity"  # no runner, full queue
    THROTTLE = "throttle"
    TRANSIENT = "transient"
    INFRASTRUCTURE = "infrastructure"  # the CI's own machinery broke
    CREDENTIALS = "credentials"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """What one image's build reported in the log (see `sledgehammer.report`). One that `is_reused` was not built: an
    image of the same content was there, and got the tag."""

    image: str
    reference: str  # repository@sha256:…, "" when nothing was pushed
    cached_steps: int
    total_steps: int
    is_reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a run. `reason` is the provider's own word for a failure, "" on success."""

    run: Run
    status: Status
    failure: FailureClass
    reason: str
    duration_s: float
    images: tuple[BuiltImage, ...] = ()
