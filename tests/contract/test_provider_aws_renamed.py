"""The AWS provider against the local AWS: a project that was renamed, and another one of the same name."""

import json
from dataclasses import replace

import pytest
from aws_rehearsal import ACCOUNT, REGION, LocalAws, Rehearsal, rehearse

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConflictError
from sledgehammer_aws.setting_sections import GitLabJobs, Schedule
from sledgehammer_aws.settings import Settings

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
)


def destroy(aws: Rehearsal) -> list[str]:
    """Gives the names of what went."""
    told: list[Change] = []
    aws.connect().destroy(on_change=told.append)
    return [change.name for change in told]


def deleted(aws: Rehearsal) -> list[str]:
    """Names of what an apply would delete."""
    return [change.name for change in aws.plan().pending if change.action is Action.DELETE]


def roles(aws: Rehearsal) -> list[str]:
    """Those whose name has this project's in it."""
    return [one["RoleName"] for one in aws.client("iam").list_roles()["Roles"] if aws.name in one["RoleName"]]


def keys(aws: Rehearsal, bucket: str) -> list[str]:
    listed = aws.client("s3").list_object_versions(Bucket=bucket)
    return sorted({one["Key"] for one in (*listed.get("Versions", []), *listed.get("DeleteMarkers", []))})


def test_a_renamed_project_leaves_none_of_its_old_name_behind(aws: Rehearsal) -> None:
    """Once sledge.yaml says what it was called: neither roles, which others could still take, nor sources and caches.
    The plan shows what goes, and that logs go with it."""
    jobs = GitLabJobs(project="acme/web", url=f"https://{aws.name}.example")
    aws.settings = replace(aws.settings, gitlab_jobs=jobs, schedule=Schedule(expression="rate(1 day)"))
    aws.apply()
    aws.client("s3").put_object(Bucket=aws.bucket, Key=f"_cache/{aws.name}/key", Body=b"cache")
    old, new = aws.name, f"{aws.name}-new"
    aws.settings = replace(aws.settings, project=new, former_projects=(old,))
    gone = {change.address: change.note for change in aws.plan().pending if change.action is Action.DELETE}
    assert gone == {
        f"aws_codebuild_project {old}": "",
        f"aws_log_group {aws.log_group}": "the logs of all builds are lost",
        f"aws_events_rule sledge-{old}": "",
        f"aws_iam_role {aws.role}": "",
        f"aws_iam_role sledge-{old}-gitlab-{REGION}": "",
        f"aws_iam_role sledge-{old}-schedule-{REGION}": "",
        f"aws_s3_object {aws.bucket}/{old}/source.zip": "",
    }
    aws.apply()
    assert aws.plan().pending == ()
    assert set(roles(aws)) == {f"sledge-{new}{kind}-{REGION}" for kind in ("", "-gitlab", "-schedule")}
    assert keys(aws, aws.bucket) == [f"{new}/source.zip"]
    destroy(aws)
    assert roles(aws) == []
    assert aws.bucket not in [one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]]


def test_a_destruction_of_a_renamed_project_takes_its_old_names_too(aws: Rehearsal) -> None:
    """Without an apply in between."""
    aws.apply()
    aws.settings = replace(aws.settings, project=f"{aws.name}-new", former_projects=(aws.name,))
    assert {aws.name, aws.role, f"{aws.bucket}/{aws.name}/source.zip", aws.bucket} <= set(destroy(aws))
    assert roles(aws) == []


def test_another_role_and_another_bucket_leave_nothing_in_the_old_ones(aws: Rehearsal) -> None:
    """The old role goes, and the archive out of the old bucket, which others may use."""
    aws.apply()
    old = aws.bucket
    aws.settings = replace(aws.settings, role=f"{aws.name}-builds", bucket=f"{old}-new")
    assert deleted(aws) == [aws.role, f"{old}/{aws.name}/source.zip"]
    aws.apply()
    assert aws.plan().pending == ()
    assert (roles(aws), keys(aws, old)) == ([f"{aws.name}-builds"], [])


def test_what_is_somebody_elses_under_an_old_name_stays(
    aws: Rehearsal, cloud: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A former name that another project has by now, a role without our mark, a bucket that is none of ours."""
    with rehearse(cloud, tmp_path_factory.mktemp("other")) as other:
        other.settings = replace(other.settings, bucket=aws.bucket)
        other.apply()
        aws.settings = replace(aws.settings, former_projects=(other.name,))
        aws.apply()
        aws.client("s3").create_bucket(
            Bucket=f"{aws.bucket}-theirs", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        aws.client("s3").put_object(Bucket=f"{aws.bucket}-theirs", Key=f"{aws.name}/source.zip", Body=b"theirs")
        location = f"{aws.bucket}-theirs/{aws.name}/source.zip"
        aws.client("codebuild").update_project(name=aws.name, source={"type": "S3", "location": location})
        aws.client("iam").create_role(RoleName=f"sledge-{aws.name}-gitlab-{REGION}", AssumeRolePolicyDocument=TRUST)
        assert deleted(aws) == []
        assert not {other.name, other.role, f"{aws.bucket}/{other.name}/source.zip"} & set(destroy(aws))
        assert keys(aws, f"{aws.bucket}-theirs") == [f"{aws.name}/source.zip"]
        assert other.plan().pending == ()


def test_a_renamed_project_that_does_not_say_so_is_told_how(aws: Rehearsal) -> None:
    """It could be another one: nothing of the old name is touched, and the setting is named."""
    aws.apply()
    aws.settings = replace(aws.settings, project=f"{aws.name}-new")
    with pytest.raises(ConflictError, match=f"belongs to the CodeBuild project {REGION}/{aws.name}, not") as refused:
        aws.plan()
    assert f"former_projects: [{aws.name}]" in str(refused.value.hint)


def production(aws: Rehearsal) -> Settings:
    """Those of another file with the same name at its top."""
    name = f"{aws.name}-production"
    return replace(aws.settings, project=name, repository=name)


def test_two_projects_of_one_name_leave_each_other_alone(aws: Rehearsal) -> None:
    """Staging and production: neither deletes what the other made, by an apply or a destruction; a plan tells of it."""
    aws.settings = staging = replace(aws.settings, schedule=Schedule(expression="rate(1 day)"))
    aws.apply()
    aws.settings = theirs = production(aws)
    plan = aws.plan()
    assert {change.action for change in plan.pending} == {Action.CREATE}
    (told,) = [change for change in plan.changes if change.name == aws.name]
    assert (told.action, told.kind) == (Action.NONE, "aws_codebuild_project")
    assert "what it made stays" in told.note
    aws.apply()
    assert aws.plan().pending == ()
    aws.settings = staging
    assert aws.plan().pending == ()
    assert aws.name in destroy(aws)
    aws.settings = theirs
    assert aws.plan().pending == ()


def forget(aws: Rehearsal, *, repository: str) -> None:
    """Take the tag off that earlier versions did not write."""
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{repository}"
    aws.client("ecr").untag_resource(resourceArn=arn, tagKeys=["sledgehammer:codebuild"])


def test_an_object_of_an_earlier_version_gets_the_whole_mark(aws: Rehearsal) -> None:
    """It lacks the CodeBuild project's name, which the plan shows and an apply adds."""
    aws.apply()
    forget(aws, repository=aws.name)
    assert aws.differences() == [(Action.UPDATE, "aws_ecr_repository", "tag sledgehammer:codebuild")]
    aws.apply()
    assert aws.plan().pending == ()


def test_an_unneeded_object_of_an_earlier_version_goes_unless_it_may_be_anothers(aws: Rehearsal) -> None:
    """Nothing tells whose of two projects it is: then it stays, with the reason."""
    aws.images = (aws.name, "worker")
    aws.apply()
    forget(aws, repository=f"{aws.name}/worker")
    aws.images = (aws.name,)
    assert deleted(aws) == [f"{aws.name}/worker", f"{aws.name}/worker-cache"]
    staging, aws.settings = aws.settings, production(aws)
    aws.apply()
    aws.settings = staging
    assert deleted(aws) == [f"{aws.name}/worker-cache"]
    (kept,) = [change for change in aws.plan().changes if change.name == f"{aws.name}/worker"]
    assert f"may be that of {aws.name}-production" in kept.note
