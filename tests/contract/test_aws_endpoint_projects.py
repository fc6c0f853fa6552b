from collections.abc import Iterator

import pytest
import requests
from aws_account import ACCOUNT, REGION, Account, fresh_account, names, project, refused, spec

from sledgehammer_localstack.aws.contract import contract

ECHO = spec("echo built")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with fresh_account() as made:
        yield made


def test_every_field_is_kept(account: Account) -> None:
    """What CreateProject is given comes back from BatchGetProjects, moto's gaps included."""
    name = account.new_name()
    given = project(name, ECHO, account.make_role(name)) | {
        "description": "all fields",
        "secondarySources": [{"type": "S3", "location": "b/k", "sourceIdentifier": "two"}],
        "secondarySourceVersions": [{"sourceIdentifier": "two", "sourceVersion": "v"}],
        "sourceVersion": "v1",
        "cache": {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        "timeoutInMinutes": 30,
        "queuedTimeoutInMinutes": 60,
        "encryptionKey": "arn:aws:kms:eu-central-1:123456789012:key/k",
        "tags": [{"key": "team", "value": "web"}],
        "vpcConfig": {"vpcId": "vpc-1", "subnets": ["s"], "securityGroupIds": ["g"]},
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "g", "streamName": "s"}},
        "fileSystemLocations": [{"type": "EFS", "location": "l", "mountPoint": "/m", "identifier": "i"}],
        "buildBatchConfig": {"serviceRole": "r", "combineArtifacts": True, "timeoutInMins": 10},
        "concurrentBuildLimit": 3,
        "autoRetryLimit": 2,
    }
    codebuild = account.client("codebuild")
    created = codebuild.create_project(**given, badgeEnabled=True)["project"]
    [read] = codebuild.batch_get_projects(names=[name])["projects"]
    assert read == created
    environment = read.pop("environment")
    assert environment | {"privilegedMode": False} == environment
    assert {key: read[key] for key in given if key != "environment"} == {
        key: value for key, value in given.items() if key != "environment"
    }
    assert read["badge"]["badgeEnabled"] is True
    assert read["arn"] == f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"


def test_defaults(account: Account) -> None:
    """Times, key and cache that a request leaves out have CodeBuild's defaults."""
    name = account.make_project(ECHO)
    [read] = account.client("codebuild").batch_get_projects(names=[name])["projects"]
    assert (read["timeoutInMinutes"], read["queuedTimeoutInMinutes"]) == (60, 480)
    assert read["cache"] == {"type": "NO_CACHE"}
    assert read["encryptionKey"].endswith(":alias/aws/s3")


def test_update_changes_what_it_names(account: Account) -> None:
    """UpdateProject replaces the members it is given, keeps the others, and moves lastModified only."""
    codebuild = account.client("codebuild")
    name = account.make_project(ECHO, description="old", concurrentBuildLimit=1)
    before = codebuild.batch_get_projects(names=[name])["projects"][0]
    codebuild.update_project(name=name, timeoutInMinutes=5, concurrentBuildLimit=-1)
    after = codebuild.batch_get_projects(names=[name])["projects"][0]
    assert after["timeoutInMinutes"] == 5
    assert after["description"] == "old"
    assert "concurrentBuildLimit" not in after
    assert after["created"] == before["created"]
    assert after["lastModified"] > before["lastModified"]
    with refused("ResourceNotFoundException", "no-such"):
        codebuild.update_project(name="no-such", description="x")


def test_delete_is_idempotent(account: Account) -> None:
    """A deleted project is gone; deleting it again is no error."""
    codebuild = account.client("codebuild")
    name = account.make_project(ECHO)
    codebuild.delete_project(name=name)
    codebuild.delete_project(name=name)
    answer = codebuild.batch_get_projects(names=[name])
    assert answer["projects"] == []
    assert answer["projectsNotFound"] == [name]


def test_same_name_twice(account: Account) -> None:
    """A second project of one name is refused."""
    name = account.make_project(ECHO)
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    with refused("ResourceAlreadyExistsException", name):
        account.client("codebuild").create_project(**project(name, ECHO, role))


def test_role_must_exist_and_trust_codebuild(account: Account) -> None:
    """A role that is missing, or that another service may assume, is refused in CodeBuild's words."""
    codebuild = account.client("codebuild")
    words = "CodeBuild is not authorized to perform: sts:AssumeRole on"
    name = account.new_name()
    missing = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    with refused("InvalidInputException", words, missing):
        codebuild.create_project(**project(name, ECHO, missing))
    statement = {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    role = account.make_role(name, {"Version": "2012-10-17", "Statement": [statement]})
    with refused("InvalidInputException", words, "trusts CodeBuild"):
        codebuild.create_project(**project(name, ECHO, role))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "no spaces"}, "does not match"),
        ({"timeoutInMinutes": 2161}, "2161  is more than 2160"),
        ({"artifacts": {"type": "DISK"}}, "'DISK' is none of"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "ci/buildspec.yml"}}, "inline buildspec"),
        ({"source": {"type": "GITHUB"}}, "location is required"),
        ({"artifacts": {"type": "S3"}}, "location is required"),
        ({"cache": {"type": "S3"}}, "cache location is required"),
    ],
)
def test_requests_against_the_model(account: Account, change: dict[str, object], words: str) -> None:
    """What the service's own model forbids is refused with the member that breaks it."""
    name = account.new_name()
    given = project(name, ECHO, account.make_role(name)) | change
    with refused("InvalidInputException", words):
        account.client("codebuild").create_project(**given)


def test_unknown_members_and_operations_are_named(account: Account) -> None:
    """Over the JSON protocol: an unknown member, an operation that is not there, no signature, a wrong region."""

    def ask(operation: str, body: object, region: str = REGION) -> dict[str, str]:
        signed = f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/{region}/codebuild/aws4_request, Signature=0"
        headers = {"X-Amz-Target": f"CodeBuild_20161006.{operation}", "Authorization": signed if region else ""}
        answer: dict[str, str] = requests.post(account.endpoint.url, json=body, headers=headers, timeout=10).json()
        return answer

    wrong = ask("ListProjects", {"sortedBy": "NAME"})
    assert wrong["__type"] == "InvalidInputException"
    assert "sortedBy" in wrong["message"]
    assert ask("ListProjects", {"sortBy": "NAME"}).keys() == {"projects"}
    known = ask("DeleteReport", {"arn": "x"})
    assert known["__type"] == "UnknownOperationException"
    assert "does not have DeleteReport" in known["message"]
    assert "no operation MakeProject" in ask("MakeProject", {})["message"]
    assert ask("ListProjects", {}, region="")["__type"] == "MissingAuthenticationTokenException"
    assert "this endpoint is eu-central-1" in ask("ListProjects", {}, region="us-east-1")["message"]


def test_list_pages_and_order(account: Account) -> None:
    """More than 100 projects come in pages, by name or by time, up or down; a made-up token is refused."""
    codebuild = account.client("codebuild")
    role = account.make_role("many")
    made = [f"many-{number:03}" for number in range(105)]
    for name in reversed(made):
        codebuild.create_project(**project(name, ECHO, role))
    first = codebuild.list_projects(sortBy="NAME")
    assert len(first["projects"]) == 100
    rest = codebuild.list_projects(sortBy="NAME", nextToken=first["nextToken"])
    everything = [*first["projects"], *rest["projects"]]
    assert "nextToken" not in rest
    assert [name for name in everything if name.startswith("many-")] == made
    newest = codebuild.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING")["projects"]
    assert newest[:2] == ["many-000", "many-001"]
    with refused("InvalidInputException", "token"):
        codebuild.list_projects(nextToken="page-two")


def test_batch_get_takes_100_names(account: Account) -> None:
    """101 names in one call are refused, as the service's model says."""
    with refused("InvalidInputException", "101 member(s) is more than 100"):
        account.client("codebuild").batch_get_projects(names=[f"name-{number}" for number in range(101)])


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("events", "list_rules"),
        ("iam", "list_roles"),
        ("logs", "describe_log_groups"),
        ("s3", "list_buckets"),
        ("secretsmanager", "list_secrets"),
        ("ssm", "describe_parameters"),
        ("sts", "get_caller_identity"),
    ],
)
def test_the_rest_of_aws_answers_on_the_same_port(account: Account, service: str, operation: str) -> None:
    """One endpoint URL serves all that a build, its role and its triggers need."""
    answer = getattr(account.client(service), operation)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_answers_keep_to_the_model(account: Account) -> None:
    """The checker that all answers pass would notice a member that the model does not have."""
    name = account.make_project(ECHO)
    answer = account.client("codebuild").batch_get_projects(names=[name])
    del answer["ResponseMetadata"]
    assert names(answer["projects"]) == [name]
    assert contract("codebuild").output_faults("BatchGetProjects", answer) == []
    answer["projects"][0]["color"] = "red"
    [fault] = contract("codebuild").output_faults("BatchGetProjects", answer)
    assert "color" in fault
