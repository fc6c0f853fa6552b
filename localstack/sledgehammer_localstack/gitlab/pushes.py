"""What follows a change of refs: the default branch, its protection, and pipelines."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.builds.creation import PipelineRequest, create_pipeline
from sledgehammer_localstack.gitlab.builds.redundancy import cancel_redundant
from sledgehammer_localstack.gitlab.git.repository import ZERO_SHA
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_life import protect_branch
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.protection import protection_of
from sledgehammer_localstack.gitlab.records import Pipeline, Project, User
from sledgehammer_localstack.gitlab.services import Services

_SKIP = re.compile(r"\[(?:ci|pipeline)[ -]skip\]|\[skip[ -](?:ci|pipeline)\]", re.IGNORECASE)
MOST_PIPELINES = 4  # GitLab starts none at all for a push of more branches or tags than this


@dataclass(frozen=True, slots=True, kw_only=True)
class RefChange:
    """A ref that moved, came (before is all zeros) or went (after is)."""

    ref: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions:
    """What `git push -o` asked for (GitLab docs "Push options", section CI/CD)."""

    skip_ci: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


def parse_push_options(lines: list[str]) -> PushOptions:
    """`ci.skip` and `ci.variable=KEY=VALUE` (quotes around the pair allowed); others are GitLab's, not CI's."""
    variables = {}
    for line in lines:
        name, _, value = line.partition("=")
        if name == "ci.variable":
            key, _, text = value.strip('"').partition("=")
            variables[key] = text
    return PushOptions(skip_ci="ci.skip" in lines, variables=variables)


def refs_changed(
    services: Services, project: Project, user: User, changes: list[RefChange], options: PushOptions
) -> None:
    """Take note of a push and start a pipeline for each branch and tag that it brought or moved."""
    living = [change for change in changes if change.after not in (ZERO_SHA, change.before)]
    _settle_default_branch(services, project, living)
    services.store.update("projects", project.id, last_activity_at=timestamps.now())
    living = [change for change in living if change.ref.startswith(("refs/heads/", "refs/tags/"))]
    if len(living) > MOST_PIPELINES or not build_settings(project).is_enabled:
        return
    for change in living:
        _start(services, project, user, change, options)


def ref_changed(services: Services, project: Project, user: User, change: RefChange) -> None:
    """The same for a ref that an API call moved."""
    refs_changed(services, project, user, [change], PushOptions())


def _start(services: Services, project: Project, user: User, change: RefChange, options: PushOptions) -> None:
    repository = repository_of(services, project)
    sha = repository.resolve(change.ref)
    if sha is None:
        return  # a tag on a tree or blob
    is_tag = change.ref.startswith("refs/tags/")
    request = PipelineRequest(
        ref=change.ref.removeprefix("refs/tags/" if is_tag else "refs/heads/"),
        sha=sha,
        is_tag=is_tag,
        source="push",
        before_sha=change.before,
        variables=tuple(options.variables.items()),
        is_skipped=options.skip_ci or _SKIP.search(repository.commit(sha).message) is not None,
    )
    made = create_pipeline(services, project, user, request)
    if isinstance(made, Pipeline):
        cancel_redundant(services, project, made)


def _settle_default_branch(services: Services, project: Project, changes: list[RefChange]) -> None:
    """The first push: its default branch is protected, or its first branch becomes the default where that is absent."""
    repository = repository_of(services, project)
    made = [change.ref for change in changes if change.ref.startswith("refs/heads/") and change.before == ZERO_SHA]
    if not made or not set(repository.refs("refs/heads/")) <= set(made):
        return
    branch = project.default_branch
    if f"refs/heads/{branch}" not in made:
        branch = made[0].removeprefix("refs/heads/")
        repository.git_checked("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        services.store.update("projects", project.id, default_branch=branch)
    if protection_of(services.store, project, branch) is None:
        protect_branch(services.store, project.id, branch)
