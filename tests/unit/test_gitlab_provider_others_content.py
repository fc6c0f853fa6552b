"""What counts as content of others in lists that the local GitLab does not have."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from sledgehammer.errors import CredentialsError, NotFoundError
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.objects.others_content import content_of_others

ROW = {"path_with_namespace": "team/web"}


class Lists:
    """Answers by the end of the path; what it does not know GitLab does not have."""

    def __init__(self, lists: Mapping[str, list[Any] | Exception]) -> None:
        self._lists = lists

    def get_list(self, path: str) -> list[Any]:
        found = self._lists.get(path.removeprefix("/projects/team%2Fweb/"), NotFoundError("no such list"))
        if isinstance(found, Exception):
            raise found
        return found


def told(row: Mapping[str, Any] = ROW, **lists: list[Any] | Exception) -> str:
    return content_of_others(cast(Api, Lists(lists)), row, cast(Mirror, None))


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"packages": [{"name": "lib"}]}, "package lib"),
        ({"wikis": [{"slug": "home"}, {"slug": "more"}]}, "2 wiki pages such as home"),
        ({"snippets": [{"title": "one"}]}, "snippet one"),
        ({"wikis": CredentialsError("403")}, "wiki pages that this token may not list"),
        ({}, ""),
    ],
)
def test_each_list_is_told_by_its_first_name(lists: dict[str, Any], expected: str) -> None:
    """One that may not be read is content; one that GitLab does not have is none."""
    assert told(**lists) == expected


def test_open_issues_are_told_by_their_number() -> None:
    """The project's own row has it."""
    assert told({**ROW, "open_issues_count": 2}) == "2 open issues"
    assert told({**ROW, "open_issues_count": 0}) == ""
