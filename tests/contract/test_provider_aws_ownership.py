"""The AWS provider against the local AWS: what is adopted, what is destroyed, and what never is."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aws_rehearsal import ACCOUNT, REGION, LocalAws, Rehearsal, serve

from sledgehammer.changes import Action, Change, ChangeSet
from sledgehammer.errors import ConflictError, NotFoundError

MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []})


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    with serve(with_storage=True) as made:
        yield made


def destroy(aws: Rehearsal) -> list[Change]:
    """Gives what was told while it went on."""
    told: list[Change] = []
    aws.connect().destroy(on_change=told.append)
    return told


def push_image(aws: Rehearsal, repository: str) -> None:
    aws.client("ecr").put_image(repositoryName=repository, imageManifest=MANIFEST, imageTag="v1")


def exists(aws: Rehearsal) -> dict[str, bool]:
    """Which of the project's objects there are."""
    iam = aws.client("iam")
    repositories = aws.client("ecr").describe_repositories()["repositories"]
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=aws.log_group)["logGroups"]
    return {
        "bucket": aws.bucket in [one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]],
        "image": aws.name in [one["repositoryName"] for one in repositories],
        "cache": f"{aws.name}-cache" in [one["repositoryName"] for one in repositories],
        "log": bool(groups),
        "role": aws.role in [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "project": bool(aws.client("codebuild").batch_get_projects(names=[aws.name])["projects"]),
    }


def test_destroying_removes_everything_that_an_apply_made(aws: Rehearsal) -> None:
    """The plan of it names each object, last made first; afterwards nothing is left, and again nothing is to do."""
    aws.strategy = "file"
    made = [change.address for change in aws.apply() if change.kind != "aws_s3_lifecycle_rule"]
    planned = aws.connect().plan_destruction()
    assert [change.address for change in planned.pending] == made[::-1]
    assert {change.action for change in planned.pending} == {Action.DELETE}
    assert [change.address for change in destroy(aws)] == made[::-1]
    assert not any(exists(aws).values())
    assert destroy(aws) == []


def test_a_plan_of_a_destruction_changes_nothing_and_tells_what_is_lost(aws: Rehearsal) -> None:
    """Logs cannot be had again, so it says so; the permissions that go are in its table."""
    aws.apply()
    aws.sent.clear()
    planned = aws.connect().plan_destruction()
    assert aws.writes == []
    notes = {change.kind: change.note for change in planned.changes}
    assert notes["aws_log_group"] == "the logs of all builds are lost"
    (policy,) = [change for change in planned.changes if change.kind == "aws_iam_role_policy"]
    assert {row.action for row in policy.statements} == {Action.DELETE}
    assert "docker login" in {row.statement.reason for row in policy.statements}


def test_images_are_kept_unless_the_settings_say_otherwise(aws: Rehearsal) -> None:
    """A repository that holds images stays, with the reason and the setting; with that setting it goes."""
    aws.apply()
    push_image(aws, aws.name)
    (kept,) = [one for one in aws.connect().plan_destruction().changes if one.name == aws.name and "ecr" in one.kind]
    assert (kept.action, "1 image" in kept.note, "force_destroy" in kept.note) == (Action.NONE, True, True)
    destroy(aws)
    assert exists(aws)["image"]
    assert not exists(aws)["cache"]
    aws.settings = replace(aws.settings, force_destroy=True)
    (lost,) = aws.connect().plan_destruction().pending
    assert lost.note == "lost with it: 1 image"
    destroy(aws)
    assert not exists(aws)["image"]


def test_a_bucket_that_others_use_is_kept(aws: Rehearsal) -> None:
    """Only the project's own objects go out of it, in all their versions."""
    aws.apply()
    aws.client("s3").put_object(Bucket=aws.bucket, Key="another/source.zip", Body=b"theirs")
    aws.commit("main.py")
    aws.apply()
    destroy(aws)
    versions = aws.client("s3").list_object_versions(Bucket=aws.bucket)["Versions"]
    assert [version["Key"] for version in versions] == ["another/source.zip"]


def test_what_others_made_is_not_destroyed(aws: Rehearsal) -> None:
    """An object of our names without our mark survives."""
    aws.client("ecr").create_repository(repositoryName=aws.name)
    aws.client("logs").create_log_group(logGroupName=aws.log_group)
    assert destroy(aws) == []
    assert exists(aws)["image"]
    assert exists(aws)["log"]


def test_what_others_made_is_left_alone_while_it_is_as_it_should_be(aws: Rehearsal) -> None:
    """A repository with the right settings is used as it is, unmarked."""
    aws.client("ecr").create_repository(repositoryName=aws.name)
    aws.apply()
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{aws.name}"
    assert aws.client("ecr").list_tags_for_resource(resourceArn=arn)["tags"] == []
    assert aws.plan().pending == ()


def _log_group(aws: Rehearsal) -> str:
    aws.client("logs").create_log_group(logGroupName=aws.log_group, tags={"team": "ops"})
    return f"aws_log_group {aws.log_group}"


def _repository(aws: Rehearsal) -> str:
    aws.client("ecr").create_repository(repositoryName=f"{aws.name}-cache", tags=[{"Key": "team", "Value": "ops"}])
    return f"aws_ecr_repository {aws.name}-cache"


def _role(aws: Rehearsal) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").create_role(RoleName=aws.role, AssumeRolePolicyDocument=document)
    return f"aws_iam_role {aws.role}"


def _bucket(aws: Rehearsal) -> str:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=aws.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=aws.bucket, Key="theirs", Body=b"data")
    return f"aws_s3_bucket {aws.bucket}"


def _project(aws: Rehearsal) -> str:
    aws.apply()
    aws.client("codebuild").update_project(name=aws.name, tags=[{"key": "team", "value": "ops"}], timeoutInMinutes=5)
    return f"aws_codebuild_project {aws.name}"


@pytest.mark.parametrize("make", [_log_group, _repository, _role, _bucket, _project])
def test_an_adopted_object_is_managed_from_then_on(aws: Rehearsal, make: object) -> None:
    """Refused before, with the command that adopts it; then marked, and nothing else changed by that; then applied."""
    address = make(aws)  # type: ignore[operator]
    with pytest.raises(ConflictError) as refused:
        aws.plan()
    assert refused.value.hint is not None
    assert "sledge adopt -p aws" in refused.value.hint
    assert address in refused.value.hint
    aws.sent.clear()
    plan = aws.connect().adopt([address])
    assert len(aws.writes) == 1
    assert address in [change.address for change in plan.pending]
    aws.apply()
    assert aws.plan().pending == ()
    assert address in [change.address for change in aws.connect().plan_destruction().changes]


def test_tags_of_others_survive_an_adoption(aws: Rehearsal) -> None:
    """The mark is put beside them."""
    address = _project(aws)
    aws.connect().adopt([address])
    (project,) = aws.client("codebuild").batch_get_projects(names=[aws.name])["projects"]
    assert {"key": "team", "value": "ops"} in project["tags"]
    assert {"key": "managed-by", "value": "sledgehammer"} in project["tags"]


def test_only_what_is_there_can_be_adopted(aws: Rehearsal) -> None:
    """An address that nothing has, and an object that does not exist yet, are not found; nothing is marked."""
    aws.client("ecr").create_repository(repositoryName=f"{aws.name}-cache")
    for wrong in ("aws_ecr_repository nonsense", f"aws_iam_role {aws.role}"):
        with pytest.raises(NotFoundError):
            aws.connect().adopt([f"aws_ecr_repository {aws.name}-cache", wrong])
    assert aws.writes == []


def test_an_image_that_sledge_yaml_forgot_is_removed_when_it_is_empty(aws: Rehearsal) -> None:
    """Its repositories carry the project's mark; one with images is kept and said to be."""
    aws.images = (aws.name, "worker")
    aws.apply()
    push_image(aws, f"{aws.name}/worker")
    aws.images = (aws.name,)
    plan = aws.plan()
    assert [(change.action, change.name) for change in plan.pending if "ecr" in change.kind] == [
        (Action.DELETE, f"{aws.name}/worker-cache")
    ]
    (kept,) = [change for change in plan.changes if change.name == f"{aws.name}/worker"]
    assert (kept.action, kept.note.startswith("kept")) == (Action.NONE, True)
    aws.apply()
    assert aws.plan().pending == ()


def test_a_plan_that_deletes_is_applied_as_it_was_saved(aws: Rehearsal) -> None:
    """What an apply finds is what the plan said, to the note: else a saved plan would never hold."""
    aws.images = (aws.name, "worker")
    aws.apply()
    push_image(aws, f"{aws.name}/worker")
    aws.images = (aws.name,)
    shown, held = aws.plan(), list[ChangeSet]()
    told: list[Change] = []
    aws.connect().apply(on_plan=held.append, on_change=told.append)
    assert held == [shown]
    assert told == list(shown.pending) != []


def test_a_destruction_that_was_cut_off_is_finished_by_the_next(aws: Rehearsal) -> None:
    """Each deletion may fail before or after its effect."""
    for fault in ("error_before", "error_after", "reset_after", "throttle"):
        aws.apply()
        operations = ("DeleteProject", "DeleteRolePolicy", "DeleteRole", "DeleteLogGroup", "DeleteRepository")
        aws.inject(*({"operation": name, "fault": fault, "calls": [1]} for name in operations))
        destroy(aws)
        assert len(aws.injected()) == len(operations)
        aws.inject()
        assert not any(exists(aws).values())
