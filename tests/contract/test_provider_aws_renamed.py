"""The AWS provider against the local AWS: a project that was renamed, and another one of the same name."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aws_rehearsal import ACCOUNT, REGION, LocalAws, Rehearsal, rehearse, serve

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConflictError
from sledgehammer_aws.setting_sections import Schedule
from sledgehammer_aws.settings import Settings


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    with serve() as made:
        yield made


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(cloud, tmp_path) as made:
        yield made


def destroy(aws: Rehearsal) -> list[str]:
    """Gives the names of what went."""
    told: list[Change] = []
    aws.connect().destroy(on_change=told.append)
    return [change.name for change in told]


def test_a_renamed_project_leaves_none_of_its_old_name_behind(aws: Rehearsal) -> None:
    """Once sledge.yaml says what it was called; the plan shows what comes and what goes, and that logs go with it."""
    aws.apply()
    aws.settings = replace(aws.settings, project=f"{aws.name}-new", former_projects=(aws.name,))
    gone = {change.kind: change.note for change in aws.plan().pending if change.action is Action.DELETE}
    assert gone == {"aws_codebuild_project": "", "aws_log_group": "the logs of all builds are lost"}
    aws.apply()
    assert aws.plan().pending == ()
    assert aws.client("codebuild").batch_get_projects(names=[aws.name])["projects"] == []


def test_a_renamed_project_that_does_not_say_so_is_told_how(aws: Rehearsal) -> None:
    """It could be another one: nothing of the old name is touched, and the setting is named."""
    aws.apply()
    aws.settings = replace(aws.settings, project=f"{aws.name}-new")
    with pytest.raises(ConflictError, match=f"belongs to the CodeBuild project {REGION}/{aws.name}, not") as refused:
        aws.plan()
    assert f"former_projects: [{aws.name}]" in str(refused.value.hint)


def deleted(aws: Rehearsal) -> list[str]:
    """Names of what an apply would delete."""
    return [change.name for change in aws.plan().pending if change.action is Action.DELETE]


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
