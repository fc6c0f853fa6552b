"""GitLab's words for how pipelines and jobs stand, as ours. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from sledgehammer.errors import RemoteError
from sledgehammer.outcome import FailureClass, Status
from sledgehammer_gitlab.api import Json


class State(Enum):
    """Statuses of pipelines and jobs (Pipelines API, `status`)."""

    CREATED = "created"
    WAITING_FOR_RESOURCE = "waiting_for_resource"
    WAITING_FOR_CALLBACK = "waiting_for_callback"
    PREPARING = "preparing"
    PENDING = "pending"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    CANCELING = "canceling"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    MANUAL = "manual"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself; `manual` waits for a person, for ever if need be."""
        return self in _FINAL

    @property
    def has_started(self) -> bool:
        """Whether there can be a log."""
        return self in (State.RUNNING, State.CANCELING, State.SUCCESS, State.FAILED, State.CANCELED)


_FINAL = (State.SUCCESS, State.FAILED, State.CANCELED, State.SKIPPED, State.MANUAL)

STATUSES = {State.SUCCESS: Status.SUCCEEDED, State.CANCELED: Status.CANCELED}
"""Of the final states; every other one is a failure."""

FAILURES = {
    "script_failure": FailureClass.USER,
    "missing_dependency_failure": FailureClass.USER,
    "image_pull_failure": FailureClass.USER,
    "runner_system_failure": FailureClass.INFRASTRUCTURE,
    "data_integrity_failure": FailureClass.INFRASTRUCTURE,
    "scheduler_failure": FailureClass.INFRASTRUCTURE,
    "environment_creation_failure": FailureClass.INFRASTRUCTURE,
    "api_failure": FailureClass.TRANSIENT,
    "stuck_or_timeout_failure": FailureClass.CAPACITY,
    "no_matching_runner": FailureClass.CAPACITY,
    "runner_unsupported": FailureClass.CAPACITY,
    "ci_quota_exceeded": FailureClass.CAPACITY,
    "job_execution_timeout": FailureClass.TIMEOUT,
    "user_blocked": FailureClass.CREDENTIALS,
    "job_token_expired": FailureClass.CREDENTIALS,
    "protected_environment_failure": FailureClass.CREDENTIALS,
}
"""GitLab's job failure reasons (app/models/concerns/enums/ci/commit_status.rb); others are UNKNOWN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a pipeline."""

    id: int
    name: str
    state: State
    failure_reason: str
    is_failure_allowed: bool


def state_of(word: str) -> State:
    """Raises RemoteError on a word that this version does not know."""
    try:
        return State(word)
    except ValueError as error:
        raise RemoteError(f'GitLab gave the status "{word}", which sledge does not know') from error


def parse_job(row: Json) -> Job:
    """A job's row."""
    return Job(
        id=row["id"],
        name=row["name"],
        state=state_of(row["status"]),
        failure_reason=row.get("failure_reason") or "",
        is_failure_allowed=row["allow_failure"],
    )


def failure_of(state: State, jobs: Iterable[Job], *, yaml_errors: str) -> tuple[FailureClass, str]:
    """Failure class and reason of a final pipeline, by its first job that failed and must not."""
    if state is State.SUCCESS:
        return FailureClass.NONE, ""
    if state is State.CANCELED:
        return FailureClass.NONE, "canceled"
    if state is State.MANUAL:
        return FailureClass.USER, "blocked: a manual job waits for a person"
    if yaml_errors:
        return FailureClass.USER, yaml_errors
    for job in jobs:
        if job.state is State.FAILED and not job.is_failure_allowed:
            kind = FAILURES.get(job.failure_reason, FailureClass.UNKNOWN)
            return kind, f"job {job.name}: {job.failure_reason or 'no reason given'}"
    return FailureClass.UNKNOWN, f"pipeline {state.value}"
