"""Sources on GitLab: what of it stands in the buildspec, and what cannot be."""

import subprocess
from dataclasses import replace

import pytest

from sledgehammer.errors import ConfigurationError
from sledgehammer.operations import CacheFolder, EnvVar, text
from sledgehammer.plan import BuildPlan
from sledgehammer_aws.destination import commit_variable
from sledgehammer_aws.render import BRANCH_OF_PUSH, render_buildspec
from sledgehammer_aws.settings import Settings
from sledgehammer_aws.source_settings import GitLabSource, Webhook

CLONED = Settings(source=GitLabSource(repository="https://gitlab.com/acme/web.git"))
PUSHED = Settings(source=GitLabSource(repository="https://gitlab.com/acme/web.git", webhook=Webhook()))


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ({"CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/main"}, "main"),
        ({"CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/Feature/one_two-"}, "feature-one-two"),
        ({"CODEBUILD_WEBHOOK_HEAD_REF": f"refs/heads/{'x' * 80}"}, "x" * 63),
        ({"CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/main", "SLEDGE_BRANCH": "given"}, "given"),
        ({}, "detached"),
    ],
)
def test_a_pushed_build_makes_its_branchs_slug_as_a_triggered_one_is_given_it(given: dict[str, str], slug: str) -> None:
    """The same rule in shell as in Python: both builds of a branch find one cache."""
    script = f'set -eu\n{BRANCH_OF_PUSH}printf %s "$SLEDGE_BRANCH"'
    environment = {"PATH": "/usr/bin:/bin", **given}
    assert (
        subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=True).stdout == slug.encode()
    )


def test_only_a_build_that_a_push_starts_makes_the_slug() -> None:
    """Without a webhook the buildspec is as it was."""
    plan = BuildPlan(operations=())
    assert "CODEBUILD_WEBHOOK_HEAD_REF" in render_buildspec(plan, PUSHED)
    assert render_buildspec(plan, CLONED) == render_buildspec(plan, Settings())


def test_the_commit_of_a_clone_is_told_by_codebuild() -> None:
    """Who pushes sets no variable."""
    assert commit_variable(CLONED) == "CODEBUILD_RESOLVED_SOURCE_VERSION"
    assert commit_variable(Settings()) == "SLEDGE_COMMIT"


def test_a_carried_cache_is_refused_for_pushed_builds() -> None:
    """Its key names the branch before any command could make the slug."""
    folder = CacheFolder(path="cache", key=text(EnvVar("SLEDGE_BRANCH")), fallback=text("main"))
    plan = BuildPlan(operations=(folder,))
    assert "CODEBUILD_RESOLVED_SOURCE_VERSION" in render_buildspec(plan, CLONED)
    with pytest.raises(ConfigurationError, match="cache strategy file"):
        render_buildspec(plan, PUSHED)


def test_a_webhook_without_a_branch_is_refused() -> None:
    """It would start nothing."""
    with pytest.raises(ConfigurationError, match="no branch"):
        replace(Webhook(), branches=())
