"""What the cleanup of tags takes and spares, and how schedules are spread."""

import re

import pytest

from sledgehammer_gitlab.objects.project import BUILT_TAGS
from sledgehammer_gitlab.objects.schedule import spread


@pytest.mark.parametrize("tag", ["main", "feature-x", "stage-build_main", "final_main", "latest", "v1.2", "a" * 63])
def test_gitlab_cleanup_spares_the_tags_of_caches_and_releases(tag: str) -> None:
    """GitLab matches the whole tag: none of these is one that a build gives to an image."""
    assert re.fullmatch(BUILT_TAGS, tag) is None


@pytest.mark.parametrize(
    "tag", ["0123456789abcdef0123456789abcdef01234567", f"key-{'0a' * 16}", f"key-{'0a' * 16}-main"]
)
def test_gitlab_cleanup_takes_tags_of_commits_and_of_content(tag: str) -> None:
    """Those that every build adds."""
    assert re.fullmatch(BUILT_TAGS, tag) is not None


def test_gitlab_schedule_has_a_minute_of_its_own_only_where_it_is_asked_for() -> None:
    """H for the minute is the project's; a number stays."""
    assert spread("H 3 * * *", 125) == "5 3 * * *"
    assert spread("30 3 * * 1", 125) == "30 3 * * 1"
