"""Whose an object of AWS is."""

import pytest

from sledgehammer.errors import ConflictError
from sledgehammer.provisioning import Owner
from sledgehammer_aws.managed import marks, owner_of


@pytest.mark.parametrize("tags", [{}, {"managed-by": "terraform"}, {"sledgehammer:project": "web"}])
def test_an_object_without_our_mark_is_somebody_elses(tags: dict[str, str]) -> None:
    """Whatever else its tags say."""
    assert owner_of("aws_thing web", tags, project="web") is Owner.OTHERS


def test_an_object_with_the_projects_mark_is_ours() -> None:
    """What marks() puts on, owner_of recognises; what all projects share is any project's."""
    assert owner_of("aws_thing web", marks("web"), project="web") is Owner.SLEDGE
    assert owner_of("aws_thing web", marks(""), project="") is Owner.SLEDGE


def test_an_object_of_another_project_is_never_adopted() -> None:
    """Two projects that choose one name are told so."""
    with pytest.raises(ConflictError, match="aws_thing web belongs to the project shop, not to web"):
        owner_of("aws_thing web", marks("shop"), project="web")
