"""What the cleanup of tags takes and spares, and how schedules are spread."""

import re

import pytest

from sledgehammer_gitlab.objects.project import cleanup_policy
from sledgehammer_gitlab.objects.schedule import spread
from sledgehammer_gitlab.upkeep_settings import Cleanup

COMMIT, KEY = "0123456789abcdef0123456789abcdef01234567", f"key-{'0a' * 16}"


def takes(tag: str, wanted: Cleanup) -> bool:
    """As GitLab tells it: both patterns as they are between \\A and \\z, looked for in the tag."""
    policy = cleanup_policy(wanted)
    return _is_in(tag, policy["cleanup.name_regex"]) and not _is_in(tag, policy["cleanup.name_regex_keep"])


def _is_in(tag: str, pattern: str) -> bool:
    return re.search(rf"\A{pattern}\Z", tag) is not None


@pytest.mark.parametrize(
    "tag",
    [
        *("main", "feature-x", "stage-build_main", "final_main", "latest", "v1.2", "a" * 63),
        *(f"{COMMIT}-arm64", f"{COMMIT}-release", f"stage-{KEY}", f"stage-{KEY}-x", f"release-{COMMIT}"),
    ],
)
def test_gitlab_cleanup_spares_the_tags_of_caches_and_releases(tag: str) -> None:
    """None of these is as a whole one that a build gives to an image."""
    assert not takes(tag, Cleanup())


@pytest.mark.parametrize("tag", [COMMIT, KEY, f"{KEY}-main"])
def test_gitlab_cleanup_takes_tags_of_commits_and_of_content(tag: str) -> None:
    """Those that every build adds."""
    assert takes(tag, Cleanup())


def test_gitlab_cleanup_spares_whole_tags_by_any_of_several_patterns() -> None:
    """One that only begins as a spared one does is not spared."""
    wanted = Cleanup(spare=f"0123.*7|{KEY}")
    assert (takes(COMMIT, wanted), takes(KEY, wanted), takes(f"{KEY}-main", wanted)) == (False, False, True)


def test_gitlab_schedule_has_a_minute_of_its_own_only_where_it_is_asked_for() -> None:
    """H for the minute is the project's; a number stays."""
    assert spread("H 3 * * *", 125) == "5 3 * * *"
    assert spread("30 3 * * 1", 125) == "30 3 * * 1"
