"""What the cache strategies need CodeBuild to keep: how it is planned, made and taken back on the local AWS."""

from dataclasses import replace
from typing import Any

from aws_rehearsal import Rehearsal

from sledgehammer.changes import Action
from sledgehammer_aws.settings import ComputeType, DockerServer

CACHE_RULE = "sledgehammer-caches"


def project_of(aws: Rehearsal) -> Any:
    (project,) = aws.client("codebuild").batch_get_projects(names=[aws.name])["projects"]
    return project


def rules_of(aws: Rehearsal) -> dict[str, Any]:
    found = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=aws.bucket)["Rules"]
    return {rule["ID"]: rule for rule in found}


def test_a_carried_cache_lies_in_the_projects_bucket_under_a_prefix_of_its_own(aws: Rehearsal) -> None:
    """An applied file strategy is an S3 cache with CodeBuild's own encryption, and a second apply writes nothing."""
    aws.strategy = "file"
    aws.apply()
    assert project_of(aws)["cache"] == {"type": "S3", "location": f"{aws.bucket}/_cache/{aws.name}"}
    assert project_of(aws)["encryptionKey"].endswith(":alias/aws/s3")
    aws.sent.clear()
    assert aws.apply() == []
    assert aws.writes == []


def test_a_change_of_strategy_is_a_change_of_the_projects_cache(aws: Rehearsal) -> None:
    """The plan names the cache's type before and after, and the permissions that come and go with it."""
    aws.apply()
    aws.strategy = "file"
    assert aws.differences() == [
        (Action.CREATE, "aws_s3_lifecycle_rule", "prefix"),
        (Action.CREATE, "aws_s3_lifecycle_rule", "expires after days"),
        (Action.UPDATE, "aws_iam_role_policy", "statement Cache"),
        (
            Action.UPDATE,
            "aws_iam_role_policy",
            "statement CacheKeys",
        ),
        (Action.UPDATE, "aws_codebuild_project", "cache"),
    ]
    aws.apply()
    aws.strategy = "codebuild-local"
    shown = {item.name: (item.before, item.after) for change in aws.plan().pending for item in change.attributes}
    assert shown["cache"] == (f"S3 {aws.bucket}/_cache/{aws.name}", "LOCAL LOCAL_DOCKER_LAYER_CACHE")
    assert shown["statement Cache"][1] == ""
    aws.apply()
    assert project_of(aws)["cache"] == {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]}
    aws.strategy = "registry"
    aws.apply()
    assert project_of(aws)["cache"] == {"type": "NO_CACHE"}
    assert aws.plan().pending == ()


def test_old_caches_expire_and_rules_of_others_stay(aws: Rehearsal) -> None:
    """Every commit leaves a cache: the bucket's rule removes them, next to whatever rule somebody has made."""
    aws.apply()
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    s3 = aws.client("s3")
    s3.put_bucket_lifecycle_configuration(Bucket=aws.bucket, LifecycleConfiguration={"Rules": [theirs]})
    aws.strategy = "file"
    aws.apply()
    rules = rules_of(aws)
    assert set(rules) == {"theirs", CACHE_RULE}
    assert rules[CACHE_RULE]["Filter"] == {"Prefix": "_cache/"}
    assert rules[CACHE_RULE]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
    s3.put_bucket_lifecycle_configuration(Bucket=aws.bucket, LifecycleConfiguration={"Rules": [theirs]})
    assert [change.kind for change in aws.apply()] == ["aws_s3_lifecycle_rule"]
    assert aws.plan().pending == ()


def test_a_docker_server_builds_in_place_of_a_privileged_container(aws: Rehearsal) -> None:
    """Its size is a setting; the build's own container loses its privileges, and gets them back without it."""
    aws.strategy = "codebuild-docker-server"
    aws.settings = replace(aws.settings, docker_server=DockerServer(compute_type=ComputeType.LARGE))
    aws.apply()
    environment = project_of(aws)["environment"]
    assert environment["dockerServer"] == {"computeType": "BUILD_GENERAL1_LARGE"}
    assert environment["privilegedMode"] is False
    assert aws.plan().pending == ()
    aws.settings = replace(aws.settings, docker_server=DockerServer(compute_type=ComputeType.SMALL))
    assert aws.differences() == [(Action.UPDATE, "aws_codebuild_project", "docker server")]
    aws.strategy = "registry"
    aws.apply()
    assert "dockerServer" not in project_of(aws)["environment"]
    assert project_of(aws)["environment"]["privilegedMode"] is True
