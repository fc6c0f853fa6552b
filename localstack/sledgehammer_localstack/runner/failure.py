"""Why a job ended badly, in the words of GitLab's runner API (`failure_reason` of `PUT /jobs/:id`)."""

from enum import Enum

from sledgehammer.errors import SledgehammerError


class FailureReason(Enum):
    """Reasons as the runner sends them: `common/build.go` of GitLab Runner."""

    SCRIPT = "script_failure"
    SYSTEM = "runner_system_failure"
    TIMEOUT = "job_execution_timeout"
    UNSUPPORTED = "runner_unsupported"
    IMAGE_PULL = "image_pull_failure"
    CANCELED = "job_canceled"  # never sent: the server knows


class JobFailedError(SledgehammerError):
    """The job ends as failed: `reason` is told to the server, the message is shown in the job's log."""

    def __init__(self, message: str, *, reason: FailureReason, exit_code: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.job_exit_code = exit_code


def unsupported(what: str) -> JobFailedError:
    """The failure for a part of a job that this runner has not implemented."""
    return JobFailedError(f"this runner does not support {what}", reason=FailureReason.UNSUPPORTED)
