"""From what is asked for and what is there to the changes of a plan. Pure."""

from dataclasses import dataclass

from sledgehammer.changes import Action, AttributeChange, Change
from sledgehammer.errors import ConfigurationError, ConflictError
from sledgehammer_gitlab.mirror import Comparison
from sledgehammer_gitlab.observed import Namespace, Observed, ObservedProject
from sledgehammer_gitlab.render import CI_FILE
from sledgehammer_gitlab.settings import Settings, Visibility
from sledgehammer_gitlab.variables import DesiredVariable, compare_variables

GROUP = "gitlab_group"
PROJECT = "gitlab_project"
CONTENT = "gitlab_repository_content"
CI = "gitlab_ci_file"

SHORT = 12
"""Digits of a commit that a person sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """All that the project asks of GitLab."""

    settings: Settings
    variables: tuple[DesiredVariable, ...]
    branch: str
    commit: str

    @property
    def groups(self) -> tuple[str, ...]:
        """Full paths of the project's groups, outermost first."""
        segments = self.settings.project.split("/")[:-1]
        return tuple("/".join(segments[:length]) for length in range(1, len(segments) + 1))


def changes_of(desired: Desired, observed: Observed, comparison: Comparison) -> tuple[Change, ...]:
    """Changes in the order of an apply: groups, project, variables, content, CI file."""
    path = desired.settings.project
    return (
        *_groups(desired, observed),
        _project(desired.settings, observed.project),
        *compare_variables(desired.variables, observed.variables, project=path),
        _content(desired, comparison),
        _ci_file(desired, comparison),
    )


def check_namespace(desired: Desired, namespace: Namespace | None) -> None:
    """A personal namespace has no groups. Raises ConfigurationError where one is asked for."""
    if namespace is None or not namespace.is_personal:
        return
    if namespace.path.lower() != desired.groups[-1].lower():
        raise ConfigurationError(
            f"{desired.settings.project} cannot be: {namespace.path} is a person's namespace, which has no groups",
            hint=f"set gitlab.project to {namespace.path}/<name>, or choose a group",
        )


def _groups(desired: Desired, observed: Observed) -> list[Change]:
    if observed.project is not None:
        existing = len(desired.groups)
    else:
        check_namespace(desired, observed.namespace)
        existing = observed.namespace.path.count("/") + 1 if observed.namespace is not None else 0
    return [
        Change(action=Action.NONE if index < existing else Action.CREATE, kind=GROUP, name=path)
        for index, path in enumerate(desired.groups)
    ]


def _project(settings: Settings, observed: ObservedProject | None) -> Change:
    if observed is None:
        visibility = settings.visibility or Visibility.PRIVATE
        shown = (AttributeChange(name="visibility", before="", after=visibility.value),)
        return Change(action=Action.CREATE, kind=PROJECT, name=settings.project, attributes=shown)
    if observed.path.lower() != settings.project.lower():
        raise ConflictError(
            f"GitLab's project {settings.project} has moved to {observed.path}",
            hint=f"set gitlab.project to {observed.path}",
        )
    if settings.visibility is None or settings.visibility.value == observed.visibility:
        return Change(action=Action.NONE, kind=PROJECT, name=settings.project)
    changed = AttributeChange(name="visibility", before=observed.visibility, after=settings.visibility.value)
    return Change(action=Action.UPDATE, kind=PROJECT, name=settings.project, attributes=(changed,))


def _content(desired: Desired, comparison: Comparison) -> Change:
    name = f"{desired.settings.project}@{desired.branch}"
    if comparison.is_content_same:
        return Change(action=Action.NONE, kind=CONTENT, name=name)
    commit = AttributeChange(name="commit", before=comparison.tip_source[:SHORT], after=desired.commit[:SHORT])
    action = Action.UPDATE if comparison.tip else Action.CREATE
    return Change(action=action, kind=CONTENT, name=name, attributes=(commit,))


def _ci_file(desired: Desired, comparison: Comparison) -> Change:
    name = f"{desired.settings.project}@{desired.branch} {CI_FILE}"
    if comparison.is_ci_file_same:
        return Change(action=Action.NONE, kind=CI, name=name)
    return Change(action=Action.UPDATE if comparison.has_ci_file else Action.CREATE, kind=CI, name=name)
