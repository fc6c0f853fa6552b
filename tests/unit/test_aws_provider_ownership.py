"""Whose an object of AWS is."""

import pytest

from sledgehammer.errors import ConflictError
from sledgehammer.provisioning import Owner
from sledgehammer_aws.managed import SHARED, Mark, shared_owner_of

MARK = Mark(project="web", codebuild="eu-west-1/staging", former=("eu-west-1/old",))


@pytest.mark.parametrize("tags", [{}, {"managed-by": "terraform"}, {"sledgehammer:project": "web"}])
def test_an_object_without_our_mark_is_somebody_elses(tags: dict[str, str]) -> None:
    """Whatever else its tags say."""
    assert MARK.owner_of("aws_thing web", tags) is Owner.OTHERS


def test_an_object_with_the_projects_mark_is_ours() -> None:
    """By today's name, by a former one, and without any, as earlier versions made it; what all share is any's."""
    former = Mark(project="web", codebuild="eu-west-1/old")
    for tags in (MARK.tags, former.tags, {**SHARED, "sledgehammer:project": "web"}):
        assert MARK.owner_of("aws_thing web", tags) is Owner.SLEDGE
    assert shared_owner_of(SHARED) is Owner.SLEDGE


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Mark(project="shop", codebuild="eu-west-1/staging"), "belongs to the project shop, not to web"),
        (Mark(project="web", codebuild="eu-west-1/prod"), "CodeBuild project eu-west-1/prod, not to eu-west-1/staging"),
        (Mark(project="web", codebuild="us-east-1/staging"), "CodeBuild project us-east-1/staging, not"),
    ],
)
def test_an_object_of_another_project_is_never_adopted(other: Mark, message: str) -> None:
    """Two projects that choose one name are told so, be it one name at the top of their files, or in two regions."""
    with pytest.raises(ConflictError, match=message):
        MARK.owner_of("aws_thing web", other.tags)
