"""The AWS provider against the local AWS: what a plan shows and an apply does."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aws_rehearsal import ACCOUNT, KEYS, REGION, LocalAws, Rehearsal, rehearse

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, ConflictError, CredentialsError
from sledgehammer_aws.settings import ComputeType, Settings, Variable, Vpc

ALL_KINDS = [
    "aws_s3_bucket",
    "aws_ecr_repository",
    "aws_ecr_repository",
    "aws_log_group",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_s3_object",
    "aws_codebuild_project",
]


@pytest.fixture(scope="module")
def settled(cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A project that has been applied; every test that takes it leaves it so."""
    with rehearse(cloud, tmp_path_factory.mktemp("settled")) as made:
        made.apply()
        yield made


def test_a_plan_on_an_empty_account_shows_everything_and_changes_nothing(aws: Rehearsal) -> None:
    """Every object is to be created, and no request of the plan may have an effect."""
    changes = aws.plan().changes
    assert [(change.action, change.kind) for change in changes] == [(Action.CREATE, kind) for kind in ALL_KINDS]
    assert aws.writes == []


def test_an_apply_is_told_change_by_change_and_leaves_nothing_to_do(aws: Rehearsal) -> None:
    """After the apply a plan finds every object as it should be."""
    told = aws.apply()
    assert [change.kind for change in told] == ALL_KINDS
    assert aws.plan().pending == ()


def test_a_second_apply_writes_nothing(aws: Rehearsal) -> None:
    """Running it again sends reads only."""
    aws.apply()
    aws.sent.clear()
    assert aws.apply() == []
    assert aws.writes == []
    assert aws.sent != []


def test_the_project_builds_privileged_from_the_committed_source(aws: Rehearsal) -> None:
    """What CodeBuild holds: privileged, inline buildspec, S3 source, our role, our log."""
    aws.apply()
    (project,) = aws.client("codebuild").batch_get_projects(names=[aws.name])["projects"]
    assert project["environment"]["privilegedMode"] is True
    assert project["source"]["buildspec"] == aws.buildspec
    assert project["source"]["location"] == f"{aws.bucket}/{aws.name}/source.zip"
    assert project["serviceRole"] == f"arn:aws:iam::{ACCOUNT}:role/{aws.role}"
    assert project["logsConfig"]["cloudWatchLogs"]["groupName"] == aws.log_group


def test_the_bucket_is_private_and_versioned(aws: Rehearsal) -> None:
    """Source code is not for the public, and a build is tied to one version of it."""
    aws.apply()
    s3 = aws.client("s3")
    blocked = s3.get_public_access_block(Bucket=aws.bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert s3.get_bucket_versioning(Bucket=aws.bucket)["Status"] == "Enabled"


def test_without_a_name_the_bucket_is_the_accounts(aws: Rehearsal) -> None:
    """Projects of one account and region share a bucket, each under its own key."""
    aws.settings = replace(aws.settings, bucket="")
    (bucket, *_) = aws.plan().changes
    assert bucket.name == f"sledge-{ACCOUNT}-{REGION}"


def test_several_images_have_repositories_of_their_own(aws: Rehearsal) -> None:
    """Each image comes with a cache repository; only caches are cleaned up."""
    aws.images = (aws.name, "worker")
    aws.apply()
    ecr, own = aws.client("ecr"), [aws.name, f"{aws.name}-cache", f"{aws.name}/worker", f"{aws.name}/worker-cache"]
    assert len(ecr.describe_repositories(repositoryNames=own)["repositories"]) == 4
    found = json.loads(ecr.get_lifecycle_policy(repositoryName=f"{aws.name}/worker-cache")["lifecyclePolicyText"])
    selected = {rule["rulePriority"]: rule["selection"] for rule in found["rules"]}
    assert selected[1]["tagStatus"] == "untagged"
    held, by_content = (selected[at] for at in (2, 3))  # what a branch holds outlives what none does
    assert (held["tagPrefixList"], by_content["tagPrefixList"]) == (["stage-"], ["keyed-"])
    assert held["countNumber"] > by_content["countNumber"]
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName=f"{aws.name}/worker")


def test_a_key_is_for_new_repositories_and_told_of_old_ones(aws: Rehearsal) -> None:
    """ECR encrypts a repository as it was made: no plan would ever change that, so it says so and goes on."""
    aws.apply()
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f1e2d3c"
    aws.settings = replace(aws.settings, encryption_key=key)
    plan = aws.plan()
    assert plan.pending == ()
    notes = [change.note for change in plan.changes if change.kind == "aws_ecr_repository"]
    assert notes == [f"encrypted with AES256, not with KMS {key}, which ECR only does when it makes a repository"] * 2
    aws.images = (aws.name, "worker")
    aws.apply()
    ecr = aws.client("ecr")
    (made,) = ecr.describe_repositories(repositoryNames=[f"{aws.name}/worker"])["repositories"]
    assert made["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}


def test_a_plan_shows_permissions_and_how_many_requests_an_apply_takes(aws: Rehearsal) -> None:
    """Rows of who may do what on which object, and what needs it; the estimate is as near as makes it useful."""
    plan = aws.plan()
    (policy,) = [change for change in plan.changes if change.kind == "aws_iam_role_policy"]
    rows = {row.statement.actions: (row.statement.resource, row.statement.reason) for row in policy.statements}
    assert rows["ecr:GetAuthorizationToken",] == ("*", "docker login")
    assert all(row.statement.reason for row in policy.statements)
    (role,) = [change for change in plan.changes if change.kind == "aws_iam_role"]
    assert "codebuild.amazonaws.com" in role.statements[0].statement.principal
    aws.sent.clear()
    aws.apply()
    assert abs(plan.calls - len(aws.sent)) <= 5


def test_a_new_commit_is_all_that_a_plan_then_shows(aws: Rehearsal) -> None:
    """The source archive follows the checkout; nothing else does."""
    aws.apply()
    commit = aws.commit("main.py")
    assert aws.differences() == [
        (Action.UPDATE, "aws_s3_object", "commit"),
        (Action.UPDATE, "aws_s3_object", "sha256"),
    ]
    aws.apply()
    head = aws.client("s3").head_object(Bucket=aws.bucket, Key=f"{aws.name}/source.zip")
    assert head["Metadata"]["commit"] == commit


def test_uncommitted_changes_are_not_sent_and_said_so(aws: Rehearsal, caplog: pytest.LogCaptureFixture) -> None:
    """Only what is committed goes to AWS; a warning tells whoever expects more."""
    (aws.work / "Dockerfile").write_text("FROM debian\n")
    with caplog.at_level(logging.WARNING):
        aws.apply()
    assert "uncommitted changes are not sent" in caplog.text
    aws.git("checkout", "-q", "Dockerfile")
    assert aws.plan().pending == ()


CHANGED = [
    ({"build_image": "aws/codebuild/standard:6.0"}, ["image"]),
    ({"compute_type": ComputeType.LARGE}, ["compute type"]),
    ({"timeout_minutes": 30}, ["timeout minutes"]),
    ({"log_retention_days": 7}, ["retention days"]),
    ({"immutable_tags": True}, ["tag mutability"]),
    (
        {"variables": {"MODE": Variable(value="fast"), "KEY": Variable(parameter="/ci/key")}},
        ["statement Parameters", "variable KEY", "variable MODE"],
    ),
    ({"concurrent_builds": 3}, ["concurrent builds"]),
    ({"concurrent_builds": 0}, ["concurrent builds"]),
    ({"auto_retries": 2}, ["auto retries"]),
    (
        {"vpc": Vpc(id="vpc-1", subnets=("subnet-2",), security_groups=("sg-3",))},
        [
            "statement Network",
            "statement NetworkInterface",
            "network",
        ],
    ),
    ({"vpc": None}, ["statement Network", "statement NetworkInterface", "network"]),
    ({"expire_untagged_days": 14}, ["lifecycle"]),
    ({"tags": {"team": "web"}}, ["tag team"] * 5),
]


@pytest.mark.parametrize(("settings", "attributes"), CHANGED, ids=str)
def test_a_changed_setting_is_planned_and_applied(
    settled: Rehearsal, settings: dict[str, object], attributes: list[str]
) -> None:
    """Each setting reaches its attribute, on an account that has been set up before, and only that."""
    settled.settings = replace(settled.settings, **settings)  # type: ignore[arg-type]
    told = settled.apply()
    assert [item.name for change in told for item in change.attributes] == attributes
    assert settled.plan().pending == ()


def _open_bucket(aws: Rehearsal) -> None:
    aws.client("s3").delete_public_access_block(Bucket=aws.bucket)


def _suspend_versioning(aws: Rehearsal) -> None:
    aws.client("s3").put_bucket_versioning(Bucket=aws.bucket, VersioningConfiguration={"Status": "Suspended"})


def _encrypt_otherwise(aws: Rehearsal) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    aws.client("s3").put_bucket_encryption(Bucket=aws.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _drop_source(aws: Rehearsal) -> None:
    aws.client("s3").delete_object(Bucket=aws.bucket, Key=f"{aws.name}/source.zip")


def _freeze_cache_tags(aws: Rehearsal) -> None:
    aws.client("ecr").put_image_tag_mutability(repositoryName=f"{aws.name}-cache", imageTagMutability="IMMUTABLE")


def _drop_lifecycle(aws: Rehearsal) -> None:
    aws.client("ecr").delete_lifecycle_policy(repositoryName=f"{aws.name}-cache")


def _keep_logs_for_ever(aws: Rehearsal) -> None:
    aws.client("logs").delete_retention_policy(logGroupName=aws.log_group)


def _trust_everybody(aws: Rehearsal) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").update_assume_role_policy(RoleName=aws.role, PolicyDocument=document)


def _widen_policy(aws: Rehearsal) -> None:
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    aws.client("iam").put_role_policy(RoleName=aws.role, PolicyName="sledgehammer", PolicyDocument=document)


def _drop_policy(aws: Rehearsal) -> None:
    aws.client("iam").delete_role_policy(RoleName=aws.role, PolicyName="sledgehammer")


def _drop_project(aws: Rehearsal) -> None:
    aws.client("codebuild").delete_project(name=aws.name)


def _edit_environment(aws: Rehearsal) -> None:
    codebuild = aws.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=[aws.name])["projects"]
    variables = [*project["environment"]["environmentVariables"], {"name": "TOKEN", "value": "hunter2"}]
    environment = {**project["environment"], "privilegedMode": False, "environmentVariables": variables}
    codebuild.update_project(name=aws.name, environment=environment)


def _edit_buildspec(aws: Rehearsal) -> None:
    source = {"type": "S3", "location": f"{aws.bucket}/{aws.name}/source.zip", "buildspec": "version: 0.2\n"}
    aws.client("codebuild").update_project(name=aws.name, source=source)


DRIFT: list[tuple[Callable[[Rehearsal], None], str, str]] = [
    (_open_bucket, "aws_s3_bucket", "public access"),
    (_suspend_versioning, "aws_s3_bucket", "versioning"),
    (_encrypt_otherwise, "aws_s3_bucket", "encryption"),
    (_drop_source, "aws_s3_object", "commit"),
    (_freeze_cache_tags, "aws_ecr_repository", "tag mutability"),
    (_drop_lifecycle, "aws_ecr_repository", "lifecycle"),
    (_keep_logs_for_ever, "aws_log_group", "retention days"),
    (_trust_everybody, "aws_iam_role", "trust"),
    (_widen_policy, "aws_iam_role_policy", "statement 1"),
    (_drop_policy, "aws_iam_role_policy", "statement Images"),
    (_drop_project, "aws_codebuild_project", "privileged"),
    (_edit_environment, "aws_codebuild_project", "privileged"),
    (_edit_environment, "aws_codebuild_project", "variable TOKEN"),
    (_edit_buildspec, "aws_codebuild_project", "buildspec"),
]


@pytest.mark.parametrize(("drift", "kind", "attribute"), DRIFT)
def test_a_change_by_hand_is_seen_and_taken_back(
    settled: Rehearsal, drift: Callable[[Rehearsal], None], kind: str, attribute: str
) -> None:
    """An apply names the object and the attribute, touches nothing else, and restores it."""
    drift(settled)
    told = settled.apply()
    assert attribute in [item.name for change in told for item in change.attributes]
    assert {change.kind for change in told} == {kind}
    assert settled.plan().pending == ()


def test_every_part_of_the_project_that_was_changed_by_hand_is_taken_back(aws: Rehearsal) -> None:
    """Where it builds, as whom, and what becomes of the log, too."""
    aws.apply()
    codebuild = aws.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=[aws.name])["projects"]
    iam, other = aws.client("iam"), f"{aws.role}-other"
    trust = iam.get_role(RoleName=aws.role)["Role"]["AssumeRolePolicyDocument"]
    arn = iam.create_role(RoleName=other, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    environment = {**project["environment"], "type": "ARM_CONTAINER", "image": "aws/codebuild/standard:5.0"}
    codebuild.update_project(
        name=aws.name,
        artifacts={"type": "S3", "location": aws.bucket},
        environment={**environment, "computeType": "BUILD_GENERAL1_LARGE", "imagePullCredentialsType": "SERVICE_ROLE"},
        serviceRole=arn,
        timeoutInMinutes=7,
        logsConfig={"cloudWatchLogs": {"status": "DISABLED"}},
        cache={"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE"]},
        concurrentBuildLimit=9,
        autoRetryLimit=4,
        vpcConfig={"vpcId": "vpc-9", "subnets": ["subnet-9"], "securityGroupIds": ["sg-9"]},
    )
    (change,) = aws.apply()
    assert {item.name for item in change.attributes} == {
        *("artifacts", "environment", "image", "compute type", "image pull credentials", "service role"),
        *("timeout minutes", "logs", "cache", "concurrent builds", "auto retries", "network"),
    }
    assert aws.plan().pending == ()


def test_a_value_put_into_the_project_by_hand_is_not_shown(settled: Rehearsal) -> None:
    """It may be a secret: the plan says that the variable goes, not what it holds."""
    _edit_environment(settled)
    shown = [item for change in settled.apply() for item in change.attributes]
    assert [(item.before, item.after) for item in shown if item.name == "variable TOKEN"] == [("***", "")]
    assert "hunter2" not in str(shown)


def test_tags_of_others_are_left_alone(aws: Rehearsal) -> None:
    """A cost centre that somebody has tagged by hand survives our own tags."""
    aws.apply()
    s3, codebuild = aws.client("s3"), aws.client("codebuild")
    (project,) = codebuild.batch_get_projects(names=[aws.name])["projects"]
    codebuild.update_project(name=aws.name, tags=[*project["tags"], {"key": "cost", "value": "42"}])
    ours = s3.get_bucket_tagging(Bucket=aws.bucket)["TagSet"]
    s3.put_bucket_tagging(Bucket=aws.bucket, Tagging={"TagSet": [*ours, {"Key": "cost", "Value": "42"}]})
    assert aws.plan().pending == ()
    aws.settings = replace(aws.settings, tags={"team": "web"})
    aws.apply()
    (project,) = codebuild.batch_get_projects(names=[aws.name])["projects"]
    assert {"key": "cost", "value": "42"} in project["tags"]
    assert {"key": "team", "value": "web"} in project["tags"]


def _foreign_repository(aws: Rehearsal) -> None:
    aws.client("ecr").create_repository(repositoryName=f"{aws.name}-cache")


def _foreign_role(aws: Rehearsal) -> None:
    aws.client("iam").create_role(RoleName=aws.role, AssumeRolePolicyDocument="{}")


def _foreign_log_group(aws: Rehearsal) -> None:
    aws.client("logs").create_log_group(logGroupName=aws.log_group)


def _foreign_bucket(aws: Rehearsal) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=aws.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=aws.bucket, Key="theirs", Body=b"data")


@pytest.mark.parametrize("make", [_foreign_repository, _foreign_role, _foreign_log_group, _foreign_bucket])
def test_somebody_elses_object_stops_the_apply_before_it_writes(
    aws: Rehearsal, make: Callable[[Rehearsal], None]
) -> None:
    """An object of our name without our tags is a conflict, and nothing was changed on the way to it."""
    make(aws)
    with pytest.raises(ConflictError, match="not made by sledge"):
        aws.apply()
    assert aws.writes == []


def test_a_project_of_another_sledge_yaml_is_a_conflict(aws: Rehearsal) -> None:
    """Two projects that choose one CodeBuild name do not overwrite each other."""
    aws.apply()
    aws.settings = replace(
        aws.settings, project=aws.name, repository="other", role="other", bucket=f"{aws.bucket}-other"
    )
    owner, aws.name = aws.name, "other"
    with pytest.raises(ConflictError, match=f"belongs to the project {owner}"):
        aws.plan()


def test_a_bucket_left_by_an_interrupted_apply_is_finished(aws: Rehearsal) -> None:
    """S3 tags a bucket in a second call: an empty one without tags is taken for ours."""
    location = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket=aws.bucket, CreateBucketConfiguration=location)
    aws.apply()
    assert aws.plan().pending == ()


def test_without_credentials_the_places_are_named(
    aws: Rehearsal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No key, no profile, no role: exit code 4 and where it was looked."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(CredentialsError, match="AWS_ACCESS_KEY_ID, AWS_PROFILE"):
        aws.open({})


def test_an_unknown_profile_is_named(aws: Rehearsal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A typing error in AWS_PROFILE is told as one."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(CredentialsError, match="prodd"):
        aws.open({"AWS_PROFILE": "prodd"})


def test_without_a_region_nothing_is_guessed(aws: Rehearsal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither sledge.yaml nor the environment names a region: that is said, with the key to add."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    aws.settings = Settings()
    with pytest.raises(ConfigurationError, match="no AWS region"):
        aws.open(KEYS)


def test_the_providers_door_leads_to_the_same_account(aws: Rehearsal) -> None:
    """Credentials, region and endpoint of the environment reach AWS."""
    connection = aws.open(KEYS)
    assert len(connection.plan().pending) == len(ALL_KINDS)
