from collections.abc import Iterator

import pytest
import requests
from aws_account import Account, fresh_account, refused, spec
from botocore.exceptions import ConnectionClosedError

from sledgehammer_localstack.faults import Fault, FaultRule


@pytest.fixture(scope="module")
def shared() -> Iterator[Account]:
    with fresh_account() as made:
        yield made


@pytest.fixture
def account(shared: Account) -> Iterator[Account]:
    yield shared
    shared.endpoint.faults.clear()


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code"),
    [
        ("codebuild", "list_projects", {}, "ThrottlingException"),
        ("ecr", "describe_repositories", {}, "ThrottlingException"),
        ("logs", "describe_log_groups", {}, "ThrottlingException"),
        ("iam", "list_roles", {}, "Throttling"),
        ("s3", "list_buckets", {}, "SlowDown"),
    ],
)
def test_throttles_in_every_protocol(
    account: Account, service: str, operation: str, arguments: dict[str, str], code: str
) -> None:
    """A throttle is worded as each service's SDK expects it, so a client with retries comes through."""
    account.endpoint.faults.load([FaultRule(fault=Fault.THROTTLE, calls=(1, 2))])
    with refused(code):
        getattr(account.client(service), operation)(**arguments)
    patient = account.make_client(service, attempts=3)
    getattr(patient, operation)(**arguments)
    patient.close()
    assert [one.number for one in account.endpoint.faults.injected] == [1, 2]


def test_error_after_the_effect(account: Account) -> None:
    """StartBuild answered by 500 did start a build; the same token then finds that build, not a second one."""
    name = account.make_project(spec("echo built"))
    account.endpoint.faults.load([FaultRule(fault=Fault.ERROR_AFTER, operation="StartBuild", calls=(1,))])
    with refused("InternalFailure"):
        account.start(name, idempotencyToken="once")
    build_id = account.start(name, idempotencyToken="once")
    assert account.client("codebuild").list_builds_for_project(projectName=name)["ids"] == [build_id]
    account.wait(build_id)


def test_reset_before_the_effect(account: Account) -> None:
    """A reset ends the connection without an answer and without a repository."""
    rules = [{"fault": "reset_before", "operation": "CreateRepository", "calls": [1]}]
    requests.post(f"{account.endpoint.url}/-/faults", json={"rules": rules}, timeout=10).raise_for_status()
    ecr = account.client("ecr")
    with pytest.raises(ConnectionClosedError):
        ecr.create_repository(repositoryName="reset")
    assert ecr.describe_repositories()["repositories"] == []
    ecr.create_repository(repositoryName="reset")


def test_registry_faults(account: Account) -> None:
    """Pushes meet throttles and failures in the words of the distribution protocol."""
    account.endpoint.faults.load(
        [
            FaultRule(fault=Fault.THROTTLE, path="^/v2/", calls=(1,), retry_after_s=3),
            FaultRule(fault=Fault.ERROR_BEFORE, path="^/v2/", calls=(2,)),
        ]
    )
    throttled, failed, real = (requests.get(f"{account.endpoint.url}/v2/", timeout=10) for _ in range(3))
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "3")
    assert throttled.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert (failed.status_code, real.status_code) == (500, 401)


def test_faults_do_not_hit_the_builds_themselves(account: Account) -> None:
    """A build's own reads of IAM, S3 and Logs go past the scripted faults: they are for the user's calls."""
    name = account.make_project(spec("echo built"))
    build_id = account.start(name)
    account.endpoint.faults.load([FaultRule(fault=Fault.ERROR_BEFORE, operation="PutLogEvents")])
    build = account.wait(build_id)
    assert "built\n" in account.log(build)
    with refused("InternalFailure"):
        account.client("logs").put_log_events(
            logGroupName=build["logs"]["groupName"],
            logStreamName=build["logs"]["streamName"],
            logEvents=[{"timestamp": 1, "message": "mine"}],
        )


def test_a_stale_read_is_answered_as_the_last_time(account: Account) -> None:
    """What a list showed while a rule spoke about it it shows once more, whatever other rules there were meanwhile."""
    ecr, url = account.client("ecr"), f"{account.endpoint.url}/-/faults"
    rule = {"fault": "stale", "operation": "DescribeRepositories", "calls": [2]}
    requests.post(url, json={"rules": [rule]}, timeout=10).raise_for_status()
    before = ecr.describe_repositories()["repositories"]
    ecr.create_repository(repositoryName="late")
    assert ecr.describe_repositories()["repositories"] == before
    other = {"fault": "stale", "operation": "ListProjects", "calls": [9]}
    requests.post(url, json={"rules": [other]}, timeout=10).raise_for_status()
    assert len(ecr.describe_repositories()["repositories"]) == len(before) + 1
    requests.post(url, json={"rules": [{**rule, "calls": [1]}]}, timeout=10).raise_for_status()
    assert ecr.describe_repositories()["repositories"] == before
    assert len(ecr.describe_repositories()["repositories"]) == len(before) + 1
    requests.delete(url, timeout=10)
