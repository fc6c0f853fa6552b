"""Which failed requests are sent again, and what a person is told of the others."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    SSLError,
)

from sledgehammer.errors import (
    ConfigurationError,
    ConflictError,
    CredentialsError,
    NotFoundError,
    RemoteError,
    SledgehammerError,
    TimedOutError,
)
from sledgehammer.provisioning import AlreadyExistsError
from sledgehammer.testing import FakeClock
from sledgehammer_aws.client import Calls
from sledgehammer_aws.failures import classify, explain


def refused(code: str, *, status: int = 400, message: str = "said AWS", retry_after: str = "") -> ClientError:
    headers = {"retry-after": retry_after} if retry_after else {}
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "HTTPHeaders": headers,
                "RequestId": "1",
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        "Operation",
    )


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (refused("ThrottlingException"), "throttle"),
        (refused("Unknown", status=429), "throttle"),
        (refused("SlowDown", status=503), "throttle"),
        (refused("InternalFailure", status=500), "transient"),
        (refused("502", status=502), "transient"),
        (refused("ConcurrentModification", status=409), "transient"),
        (refused("AccountLimitExceededException"), "capacity"),
        (
            refused("InvalidInputException", message="CodeBuild is not authorized to perform: sts:AssumeRole on x"),
            "propagation",
        ),
        (refused("InvalidInputException", message="Not authorized to perform DescribeSecurityGroups"), "propagation"),
        (ConnectionClosedError(endpoint_url="http://aws"), "transient"),
        (EndpointConnectionError(endpoint_url="http://aws"), "transient"),
    ],
)
def test_what_passes_by_itself_is_sent_again(error: Exception, cause: str) -> None:
    """Throttles, failures of AWS and the network, full queues, and roles that are too young."""
    verdict = classify(error, clock=FakeClock())
    assert verdict is not None
    assert verdict.cause == cause


@pytest.mark.parametrize(
    "error",
    [
        refused("LimitExceededException"),
        refused("AccessDenied", status=403),
        refused("InvalidInputException", message="the bucket is not there"),
        refused("RepositoryAlreadyExistsException"),
        SSLError(endpoint_url="https://aws", error=ValueError("bad certificate")),
        ValueError("a bug"),
    ],
)
def test_what_stays_wrong_is_not_sent_again(error: Exception) -> None:
    """Quotas, missing rights, bad input, what exists already, bad certificates and our own bugs."""
    assert classify(error, clock=FakeClock()) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("ExpiredToken"), CredentialsError),
        (refused("InvalidClientTokenId", status=403), CredentialsError),
        (refused("AccessDeniedException"), CredentialsError),
        (refused("403", status=403), CredentialsError),
        (NoCredentialsError(), CredentialsError),
        (refused("NoSuchEntity", status=404), NotFoundError),
        (refused("EntityAlreadyExists", status=409), AlreadyExistsError),
        (refused("BucketAlreadyExists", status=409), ConflictError),
        (refused("InvalidParameterException"), ConfigurationError),
        (ParamValidationError(report="too short"), ConfigurationError),
        (refused("InternalFailure", status=500), RemoteError),
        (refused("ThrottlingException"), RemoteError),
        (EndpointConnectionError(endpoint_url="http://aws"), RemoteError),
    ],
)
def test_a_failure_is_told_by_what_to_do(error: Exception, kind: type[SledgehammerError]) -> None:
    """The class decides the exit code; the message names the call."""
    told = explain(error, tried="ecr:CreateRepository web")
    assert type(told) is kind
    assert told.message.startswith("ecr:CreateRepository web: ")


def test_a_throttled_call_waits_as_long_as_it_is_asked() -> None:
    """Retry-After is the least wait before the call that then succeeds."""
    clock, answers = FakeClock(), [refused("ThrottlingException", retry_after="7")]

    def request() -> str:
        if answers:
            raise answers.pop()
        return "answer"

    assert Calls(clock=clock).send("codebuild:StartBuild web", request) == "answer"
    assert [wait >= 7 for wait in clock.sleeps] == [True]


def test_a_wait_of_a_day_is_not_waited_for() -> None:
    """A Retry-After beyond the call's deadline ends it at once and says when to resume."""
    clock = FakeClock()

    def request() -> str:
        raise refused("ThrottlingException", retry_after="86400")

    with pytest.raises(TimedOutError, match="resume after"):
        Calls(clock=clock).send("codebuild:StartBuild web", request)
    assert clock.sleeps == []
