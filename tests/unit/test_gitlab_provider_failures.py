import pytest

from sledgehammer.errors import (
    ConfigurationError,
    ConflictError,
    CredentialsError,
    NotFoundError,
    RemoteError,
    SledgehammerError,
    UnreachableError,
)
from sledgehammer.retry import Retry
from sledgehammer_gitlab.failures import (
    Failure,
    RequestFailedError,
    WrongTokenError,
    classify,
    explain,
)


def verdict(status: int, message: str = "", *, after_s: float = 0.0, is_lasting: bool = False) -> Retry | None:
    failure = Failure(status=status, message=message, retry_after_s=after_s, is_lasting=is_lasting)
    return classify(RequestFailedError(failure))


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504, 520])
def test_gitlab_failures_that_pass_are_retried(status: int) -> None:
    """Throttling, GitLab's and its proxies' own errors and lost connections deserve another try."""
    assert verdict(status) is not None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
def test_gitlab_refusals_are_not_retried(status: int) -> None:
    """An answer that will be the same next time is told at once."""
    assert verdict(status) is None


def test_gitlab_tls_failure_is_not_retried() -> None:
    """A certificate that is not trusted is not trusted a second later either."""
    assert verdict(0, "SSLError", is_lasting=True) is None


def test_gitlab_throttle_carries_what_gitlab_asked_for() -> None:
    """The least wait is GitLab's own."""
    assert verdict(429, after_s=30.0) == Retry(cause="throttle", after_s=30.0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0, UnreachableError),
        (400, ConfigurationError),
        (401, WrongTokenError),
        (403, CredentialsError),
        (404, NotFoundError),
        (409, ConflictError),
        (500, RemoteError),
        (503, UnreachableError),
    ],
)
def test_gitlab_failure_becomes_the_error_that_says_what_to_do(status: int, kind: type[SledgehammerError]) -> None:
    """Each answer has the exit code of what the reader must do, and names the call and GitLab's words."""
    error = explain(Failure(status=status, message="words"), tried="GET /projects/team/web", token_source="X")
    assert type(error) is kind
    assert "GET /projects/team/web" in error.message
    assert "words" in error.message


def test_gitlab_failure_says_its_status_once() -> None:
    """GitLab repeats the status in its body; the sentence does not."""
    error = explain(Failure(status=401, message="401 Unauthorized"), tried="GET /user", token_source="GITLAB_TOKEN")
    assert error.message == "GET /user: GitLab answered 401 Unauthorized"


def test_gitlab_refusal_of_pipeline_variables_names_the_setting() -> None:
    """Newer projects refuse variables for pipelines; the hint is where to allow them."""
    failure = Failure(status=400, message="Insufficient permissions to set pipeline variables")
    assert "Minimum role" in explain(failure, tried="POST /pipeline", token_source="X").hint
