"""How the end of a CodeBuild build is told."""

from datetime import UTC, datetime, timedelta

import pytest

from sledgehammer.errors import RemoteError
from sledgehammer.outcome import FailureClass, Status
from sledgehammer_aws.build_outcome import BuildState, FailedPhase, build_state, failure_class, reason_of, status_of


def state_of(status: str, *failed: FailedPhase) -> BuildState:
    return BuildState(
        id="web:1",
        is_complete=True,
        status=status,
        phase="COMPLETED",
        duration_s=1.0,
        failed=failed,
        log_group="",
        log_stream="",
    )


def failed(phase: str, code: str, message: str = "", status: str = "FAILED") -> FailedPhase:
    return FailedPhase(phase=phase, status=status, code=code, message=message)


@pytest.mark.parametrize(
    ("state", "status", "failure"),
    [
        (state_of("SUCCEEDED"), Status.SUCCEEDED, FailureClass.NONE),
        (state_of("STOPPED"), Status.CANCELED, FailureClass.NONE),
        (state_of("FAULT"), Status.FAILED, FailureClass.INFRASTRUCTURE),
        (state_of("TIMED_OUT", failed("BUILD", "BUILD_TIMED_OUT")), Status.FAILED, FailureClass.TIMEOUT),
        (state_of("TIMED_OUT", failed("QUEUED", "BUILD_TIMED_OUT")), Status.FAILED, FailureClass.CAPACITY),
        (state_of("FAILED", failed("BUILD", "COMMAND_EXECUTION_ERROR")), Status.FAILED, FailureClass.USER),
        (state_of("FAILED", failed("DOWNLOAD_SOURCE", "YAML_FILE_ERROR")), Status.FAILED, FailureClass.USER),
        (
            state_of("FAILED", failed("DOWNLOAD_SOURCE", "CLIENT_ERROR", "AccessDenied: status code: 403")),
            Status.FAILED,
            FailureClass.CREDENTIALS,
        ),
        (
            state_of("FAILED", failed("SUBMITTED", "ACCESS_DENIED", "cannot sts:AssumeRole")),
            Status.FAILED,
            FailureClass.CREDENTIALS,
        ),
        (
            state_of("FAILED", failed("PROVISIONING", "CLIENT_ERROR", "ThrottlingException: Rate exceeded")),
            Status.FAILED,
            FailureClass.THROTTLE,
        ),
        (
            state_of("FAILED", failed("PROVISIONING", "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "no route")),
            Status.FAILED,
            FailureClass.INFRASTRUCTURE,
        ),
        (state_of("FAILED"), Status.FAILED, FailureClass.UNKNOWN),
    ],
)
def test_an_end_has_a_status_and_a_class(state: BuildState, status: Status, failure: FailureClass) -> None:
    """Whose failure it was follows from CodeBuild's status, phase and context."""
    assert (status_of(state), failure_class(state)) == (status, failure)


def test_a_failed_command_is_told_without_its_script() -> None:
    """CodeBuild repeats the whole script in its message; the reason keeps what came of it."""
    message = "Error while executing command: (\nset -eu\n" + "x\n" * 500 + "). Reason: exit status 1"
    reason = reason_of(state_of("FAILED", failed("BUILD", "COMMAND_EXECUTION_ERROR", message)))
    assert reason == "BUILD COMMAND_EXECUTION_ERROR: exit status 1"


def test_an_end_without_contexts_still_has_a_reason() -> None:
    """CodeBuild's own status stands in for a missing context."""
    assert reason_of(state_of("FAULT")) == "FAULT"
    assert reason_of(state_of("SUCCEEDED")) == ""


def test_an_unknown_status_is_an_error() -> None:
    """A word that CodeBuild does not document is not taken for success or failure."""
    with pytest.raises(RemoteError, match="ABORTED"):
        status_of(state_of("ABORTED"))


def test_an_answer_becomes_a_state() -> None:
    """Times, the failed phases and the place of the log are read; phases that went well are left out."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    state = build_state(
        {
            "id": "web:1",
            "buildComplete": True,
            "buildStatus": "FAILED",
            "startTime": start,
            "endTime": start + timedelta(seconds=90),
            "phases": [
                {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "contexts": [{"statusCode": "", "message": ""}]},
                {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"statusCode": "X", "message": "why"}]},
            ],
            "logs": {"groupName": "/aws/codebuild/web", "streamName": "1"},
        }
    )
    assert state.duration_s == 90
    assert state.failed == (failed("BUILD", "X", "why"),)
    assert (state.log_group, state.log_stream) == ("/aws/codebuild/web", "1")
