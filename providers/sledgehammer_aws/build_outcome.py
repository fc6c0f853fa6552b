"""How a CodeBuild build ended, and whose failure it was. Pure."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sledgehammer.errors import RemoteError
from sledgehammer.outcome import FailureClass, Status

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import BuildTypeDef

STATUSES = {
    "SUCCEEDED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "FAULT": Status.FAILED,
    "TIMED_OUT": Status.FAILED,
    "STOPPED": Status.CANCELED,
}
"""API reference, Build, buildStatus; IN_PROGRESS is no end."""

_DENIED = re.compile(r"access ?denied|not authorized|status code: 403|sts:AssumeRole", re.IGNORECASE)
_THROTTLED = re.compile(r"throttl|rate exceeded|too ?many ?requests|slow ?down", re.IGNORECASE)
_FULL = re.compile(r"account limit|limit exceeded|capacity", re.IGNORECASE)

OUR_PHASES = frozenset({"INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"})
"""Phases that run the buildspec's commands; the others are CodeBuild's own work."""

OF_THE_USER = frozenset({"COMMAND_EXECUTION_ERROR", "YAML_FILE_ERROR"})

REASON_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPhase:
    """A phase that did not succeed, and what CodeBuild says of it."""

    phase: str
    status: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildState:
    """One reading of a build. `status` is CodeBuild's word; group and stream are "" until the log exists."""

    id: str
    is_complete: bool
    status: str
    phase: str
    duration_s: float
    failed: tuple[FailedPhase, ...]
    log_group: str
    log_stream: str


def build_state(answer: "BuildTypeDef") -> BuildState:
    """A build as BatchGetBuilds gives it."""
    logs = answer.get("logs", {})
    start, end = answer.get("startTime"), answer.get("endTime")
    return BuildState(
        id=answer.get("id", ""),
        is_complete=answer.get("buildComplete", False),
        status=answer.get("buildStatus", ""),
        phase=answer.get("currentPhase", ""),
        duration_s=(end - start).total_seconds() if start is not None and end is not None else 0.0,
        failed=tuple(
            FailedPhase(
                phase=phase.get("phaseType", ""),
                status=phase.get("phaseStatus", ""),
                code=context.get("statusCode", ""),
                message=context.get("message", ""),
            )
            for phase in answer.get("phases", [])
            if phase.get("phaseStatus") in ("FAILED", "FAULT", "TIMED_OUT")
            for context in phase.get("contexts", []) or [{}]
        ),
        log_group=logs.get("groupName", ""),
        log_stream=logs.get("streamName", ""),
    )


def status_of(state: BuildState) -> Status:
    """Our word for the end of a build. Raises RemoteError for one that we do not know."""
    if state.status not in STATUSES:
        raise RemoteError(f"build {state.id} ended with the unknown status {state.status!r}")
    return STATUSES[state.status]


def failure_class(state: BuildState) -> FailureClass:
    """Whose failure it is, by status first, then by the phases' contexts (API reference, PhaseContext)."""
    match state.status:
        case "SUCCEEDED" | "STOPPED":
            return FailureClass.NONE
        case "TIMED_OUT":
            in_queue = any(failed.phase == "QUEUED" for failed in state.failed)
            return FailureClass.CAPACITY if in_queue else FailureClass.TIMEOUT
        case "FAULT":
            return FailureClass.INFRASTRUCTURE
    return next((_class_of(failed) for failed in state.failed), FailureClass.UNKNOWN)


def reason_of(state: BuildState) -> str:
    """The first failed phase in CodeBuild's own words; a failed command's message repeats the whole script, of
    which only what follows "Reason:" is kept."""
    if state.status == "SUCCEEDED":
        return ""
    for failed in state.failed:
        said = failed.message.rsplit("Reason: ", 1)[-1].strip()
        return f"{failed.phase} {failed.code or failed.status}: {said[:REASON_LENGTH]}".rstrip(": ")
    return state.status


def _class_of(failed: FailedPhase) -> FailureClass:
    if failed.code in OF_THE_USER:
        return FailureClass.USER
    if failed.status == "TIMED_OUT":
        return FailureClass.TIMEOUT
    if _THROTTLED.search(failed.message):
        return FailureClass.THROTTLE
    if _DENIED.search(failed.message) or "ACCESS_DENIED" in failed.code:
        return FailureClass.CREDENTIALS
    if _FULL.search(failed.message):
        return FailureClass.CAPACITY
    return FailureClass.UNKNOWN if failed.phase in OUR_PHASES else FailureClass.INFRASTRUCTURE
