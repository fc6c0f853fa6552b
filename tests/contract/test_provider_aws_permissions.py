"""The role that is derived for a build: it can do everything that the build does, and nothing else."""

import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_rehearsal import ACCOUNT, REGION, LocalAws, Rehearsal, rehearse, serve
from botocore.config import Config
from botocore.exceptions import ClientError
from oidc_issuer import serve_issuer

from sledgehammer.outcome import Status
from sledgehammer_aws.setting_sections import GitLabJobs
from sledgehammer_aws.settings import Variable

BUILDS = Path(__file__).with_name("build_on_aws.py")
"""What a build does on AWS, without a Docker engine: login, pull and push of an image and of its cache."""

DENIAL = re.compile(r"not authorized to perform|AccessDenied|\b403\b")
"""A HEAD request is told no more than the status."""

STATEMENTS = ["Login", "Images", "Caches", "Log", "Source", "Bucket", "Cache", "CacheKeys", "Parameters", "Secrets"]


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    with serve(with_storage=True) as made:
        yield made


@pytest.fixture(scope="module")
def built(cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A project with every kind of statement, applied; its build writes its role's keys into `keys.json`."""
    with rehearse(cloud, tmp_path_factory.mktemp("built")) as made:
        made.client("secretsmanager").create_secret(Name=f"{made.name}/npm", SecretString="of-npm")
        made.client("ssm").put_parameter(Name=f"/{made.name}/key", Value="of-the-store", Type="SecureString")
        made.settings = replace(
            made.settings,
            variables={
                "NPM_TOKEN": Variable(secret=f"{made.name}/npm"),
                "KEY": Variable(parameter=f"/{made.name}/key"),
                "KEYS": Variable(value=str(keys_of(made))),
            },
        )
        made.strategy = "file"
        image, cache = made.repositories
        command = f"{shlex.quote(sys.executable)} {shlex.quote(str(BUILDS))}"
        made.buildspec = (
            "version: 0.2\nphases:\n  build:\n    commands:\n"
            "      - 'echo as by: aws ecr get-login-password'\n"
            f'      - \'{command} "${{SLEDGE_REGISTRY}}"/{image} "${{SLEDGE_REGISTRY}}"/{cache}\'\n'
            "cache:\n  key: main.${SLEDGE_COMMIT}\n  fallback-keys: [main.]\n  paths: [kept/**/*]\n"
        )
        made.apply()
        yield made


def keys_of(aws: Rehearsal) -> Path:
    return aws.work.parent / f"{aws.name}-keys.json"


def build(aws: Rehearsal) -> tuple[Status, str]:
    """Status, and the log with the reason."""
    connection, lines = aws.connect(), list[str]()
    outcome = connection.follow(connection.trigger(rebuild=True), on_log=lines.append)
    return outcome.status, "\n".join([*lines, outcome.reason])


def policy_of(aws: Rehearsal) -> dict[str, Any]:
    found = aws.client("iam").get_role_policy(RoleName=aws.role, PolicyName="sledgehammer")["PolicyDocument"]
    assert isinstance(found, dict)
    return found


def put_policy(aws: Rehearsal, document: dict[str, Any]) -> None:
    aws.client("iam").put_role_policy(RoleName=aws.role, PolicyName="sledgehammer", PolicyDocument=json.dumps(document))


def test_the_role_suffices_for_the_whole_build(built: Rehearsal) -> None:
    """Log, source, cache, variables, login, pull and push: nothing is denied."""
    status, said = build(built)
    assert status is Status.SUCCEEDED, said
    assert "Uploaded S3 cache" in said
    assert "secret read: True" in said
    assert not DENIAL.search(said)
    assert [one["Sid"] for one in policy_of(built)["Statement"]] == STATEMENTS


@pytest.mark.parametrize("sid", STATEMENTS)
def test_without_any_one_statement_the_build_is_denied_something(built: Rehearsal, sid: str) -> None:
    """No statement is there for nothing."""
    whole = policy_of(built)
    rest = [one for one in whole["Statement"] if one["Sid"] != sid]
    put_policy(built, {**whole, "Statement": rest})
    try:
        _, said = build(built)
    finally:
        put_policy(built, whole)
    assert DENIAL.search(said)


ROLES = f"arn:aws:iam::{ACCOUNT}:role"
DENIED: list[tuple[str, Callable[[Any, Rehearsal], object]]] = [
    ("ecr", lambda ecr, aws: ecr.delete_repository(repositoryName=aws.name, force=True)),
    ("ecr", lambda ecr, aws: ecr.batch_delete_image(repositoryName=aws.name, imageIds=[{"imageTag": "x"}])),
    ("ecr", lambda ecr, aws: ecr.list_images(repositoryName=aws.name)),
    ("ecr", lambda ecr, aws: ecr.batch_get_image(repositoryName="other", imageIds=[{"imageTag": "x"}])),
    ("ecr", lambda ecr, aws: ecr.set_repository_policy(repositoryName=aws.name, policyText="{}")),
    ("ecr", lambda ecr, aws: ecr.create_repository(repositoryName="new")),
    ("s3", lambda s3, aws: s3.get_object(Bucket=aws.bucket, Key="other/source.zip")),
    ("s3", lambda s3, aws: s3.put_object(Bucket=aws.bucket, Key=f"{aws.name}/source.zip", Body=b"")),
    ("s3", lambda s3, aws: s3.put_object(Bucket=aws.bucket, Key="_cache/other/x", Body=b"")),
    ("s3", lambda s3, aws: s3.delete_object(Bucket=aws.bucket, Key=f"_cache/{aws.name}/x")),
    ("s3", lambda s3, aws: s3.list_objects_v2(Bucket=aws.bucket)),
    ("s3", lambda s3, aws: s3.list_objects_v2(Bucket=aws.bucket, Prefix="_cache/other/")),
    ("s3", lambda s3, aws: s3.delete_bucket(Bucket=aws.bucket)),
    ("secretsmanager", lambda secrets, aws: secrets.get_secret_value(SecretId="others")),
    ("secretsmanager", lambda secrets, aws: secrets.put_secret_value(SecretId=f"{aws.name}/npm", SecretString="x")),
    ("ssm", lambda ssm, aws: ssm.get_parameters(Names=["/other"])),
    ("ssm", lambda ssm, aws: ssm.delete_parameter(Name=f"/{aws.name}/key")),
    ("logs", lambda logs, aws: logs.get_log_events(logGroupName=aws.log_group, logStreamName="x")),
    ("logs", lambda logs, aws: logs.create_log_stream(logGroupName="/aws/codebuild/other", logStreamName="x")),
    ("logs", lambda logs, aws: logs.create_log_group(logGroupName="/aws/codebuild/new")),
    ("logs", lambda logs, aws: logs.delete_log_group(logGroupName=aws.log_group)),
    ("codebuild", lambda codebuild, aws: codebuild.start_build(projectName=aws.name)),
    ("codebuild", lambda codebuild, aws: codebuild.batch_get_projects(names=[aws.name])),
    ("iam", lambda iam, aws: iam.get_role(RoleName=aws.role)),
    ("iam", lambda iam, aws: iam.put_role_policy(RoleName=aws.role, PolicyName="x", PolicyDocument="{}")),
    (
        "sts",
        lambda sts, aws: sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{aws.role}", RoleSessionName="test"),
    ),
]


def test_with_the_builds_own_keys_nothing_else_can_be_done(built: Rehearsal) -> None:
    """Other objects, and other actions on its own: each is refused by IAM, not by chance."""
    build(built)
    keys = json.loads(keys_of(built).read_text())
    allowed = []
    for number, (service, call) in enumerate(DENIED):
        client = boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=built.url,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            **keys,
        )
        try:
            call(client, built)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"):
                continue
            allowed.append((number, service, str(error)))
        else:
            allowed.append((number, service, "succeeded"))
    assert allowed == []


def test_a_job_of_the_named_branch_pushes_and_nobody_else_gets_in(cloud: LocalAws, tmp_path: Path) -> None:
    """The role for GitLab's jobs, taken with a genuine token: its own repositories, and nothing of CodeBuild."""
    with serve_issuer() as issuer, rehearse(cloud, tmp_path) as aws:
        aws.settings = replace(aws.settings, gitlab_jobs=GitLabJobs(project="acme/web", url=issuer.url))
        aws.apply()
        subject = "project_path:acme/web:ref_type:branch:ref:"
        claims = {"aud": "sledgehammer", "exp": time.time() + 300}
        role = {"RoleArn": f"{ROLES}/sledge-{aws.name}-gitlab-{REGION}", "RoleSessionName": "job"}

        def take(**more: str) -> Any:
            token = issuer.token(**{**claims, **more})
            return aws.client("sts").assume_role_with_web_identity(WebIdentityToken=token, **role)["Credentials"]

        for stranger in (f"{subject}feature", f"{subject}main2", subject.replace("acme", "evil") + "main"):
            with pytest.raises(ClientError, match="AssumeRoleWithWebIdentity"):
                take(sub=stranger)
        keys = take(sub=f"{subject}main")
        given = {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
        given["aws_session_token"] = keys["SessionToken"]
        ecr = boto3.client("ecr", region_name=REGION, endpoint_url=aws.url, **given)
        assert ecr.get_authorization_token()["authorizationData"]
        assert ecr.batch_get_image(repositoryName=aws.name, imageIds=[{"imageTag": "x"}])["images"] == []
        denied: list[tuple[str, Callable[[Any], object]]] = [
            ("ecr", lambda ecr: ecr.batch_get_image(repositoryName="other", imageIds=[{"imageTag": "x"}])),
            ("codebuild", lambda codebuild: codebuild.start_build(projectName=aws.name)),
        ]
        for service, call in denied:
            client = boto3.client(service, region_name=REGION, endpoint_url=aws.url, **given)  # type: ignore[call-overload]
            with pytest.raises(ClientError, match="not authorized"):
                call(client)
