import pytest

from sledgehammer.errors import RemoteError
from sledgehammer.outcome import FailureClass
from sledgehammer_gitlab.statuses import Job, State, failure_of, state_of


def job(reason: str, *, state: State = State.FAILED, allowed: bool = False) -> Job:
    return Job(id=1, name="build", state=state, failure_reason=reason, is_failure_allowed=allowed)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("script_failure", FailureClass.USER),
        ("runner_system_failure", FailureClass.INFRASTRUCTURE),
        ("stuck_or_timeout_failure", FailureClass.CAPACITY),
        ("job_execution_timeout", FailureClass.TIMEOUT),
        ("a_reason_of_next_year", FailureClass.UNKNOWN),
    ],
)
def test_gitlab_failure_is_classed_by_the_jobs_reason(reason: str, kind: FailureClass) -> None:
    """A person and a retry learn whose failure it was; GitLab's own word stays in the reason."""
    assert failure_of(State.FAILED, [job(reason)], yaml_errors="") == (kind, f"job build: {reason}")


def test_gitlab_failure_that_is_allowed_is_not_the_cause() -> None:
    """The job that broke the pipeline is named, not one that may fail."""
    jobs = [job("script_failure", allowed=True), job("runner_system_failure")]
    assert failure_of(State.FAILED, jobs, yaml_errors="")[0] is FailureClass.INFRASTRUCTURE


def test_gitlab_pipeline_that_waits_for_a_person_is_told_so() -> None:
    """A manual job ends the following with a reason instead of waiting for ever."""
    assert State.MANUAL.is_final
    assert "manual" in failure_of(State.MANUAL, [], yaml_errors="")[1]


def test_gitlab_pipeline_with_a_broken_ci_file_says_what_is_broken() -> None:
    """GitLab's complaint about the CI file is the reason."""
    assert failure_of(State.FAILED, [], yaml_errors="jobs:x wrong")[1] == "jobs:x wrong"


def test_gitlab_status_that_is_unknown_is_an_error() -> None:
    """A status that GitLab adds later is reported, never taken for running."""
    with pytest.raises(RemoteError, match="hibernating"):
        state_of("hibernating")
