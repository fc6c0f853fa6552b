"""Both local clouds: a job on GitLab takes a role on AWS by the token that GitLab gives it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_rehearsal import ACCOUNT, REGION, LocalAws, Rehearsal, rehearse
from botocore.exceptions import ClientError
from gitlab_local import LocalGitLab, fresh_gitlab

from sledgehammer_aws.setting_sections import GitLabJobs

CI = "it:\n  script: [x]\n  id_tokens: {AWS_TOKEN: {aud: sledgehammer}}\n"


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    work = tmp_path / "work"
    work.mkdir()
    with rehearse(cloud, work) as made:
        yield made


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LocalGitLab]:
    with fresh_gitlab(tmp_path / "lab") as made:
        yield made


def token_of(lab: LocalGitLab, branch: str) -> str:
    """What a job of a branch finds in its variable AWS_TOKEN."""
    (project,) = lab.client().projects.list(get_all=True) or [lab.client().projects.create({"name": "app"})]
    actions = [{"action": "create", "file_path": ".gitlab-ci.yml", "content": CI}]
    start = {} if branch == "main" else {"start_branch": "main"}
    if start:
        actions = [{"action": "create", "file_path": "more", "content": "x"}]
    project.commits.create({"branch": branch, "commit_message": "CI", "actions": actions, **start})
    job = lab.runner().take()
    (found,) = [one["value"] for one in job["variables"] if one["key"] == "AWS_TOKEN"]
    return str(found)


def test_a_job_of_the_default_branch_logs_in_to_ecr_and_one_of_another_does_not(
    aws: Rehearsal, lab: LocalGitLab
) -> None:
    """As in production, but for TLS: AWS fetches GitLab's keys, and compares subject and audience with the role's."""
    aws.settings = replace(aws.settings, gitlab_jobs=GitLabJobs(project="root/app", url=lab.url))
    aws.apply()
    role = f"arn:aws:iam::{ACCOUNT}:role/sledge-{aws.name}-gitlab-{REGION}"

    def take(token: str) -> Any:
        sts = aws.client("sts")
        return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=token)

    keys = take(token_of(lab, "main"))["Credentials"]
    ecr = boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url=aws.url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert ecr.get_authorization_token()["authorizationData"]
    with pytest.raises(ClientError, match="AssumeRoleWithWebIdentity"):
        take(token_of(lab, "feature"))
