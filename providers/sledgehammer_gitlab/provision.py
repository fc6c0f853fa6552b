"""Plan, apply, destroy and adopt: which objects one project has on GitLab, and in which order they are made."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from sledgehammer.changes import ChangeSet, OnChange, OnPlan
from sledgehammer.provisioning import (
    ManagedObject,
    adopt_objects,
    apply_objects,
    destroy_objects,
    plan_destruction,
    plan_objects,
)
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.objects.content import CiFileOnBranch, Content, MirrorPush, names
from sledgehammer_gitlab.objects.group import Group
from sledgehammer_gitlab.objects.project import Project
from sledgehammer_gitlab.objects.protection import ProtectedBranch, ProtectedTag
from sledgehammer_gitlab.objects.variable import CiVariable, VariableHome, orphans
from sledgehammer_gitlab.reading import MADE, ProjectReader
from sledgehammer_gitlab.settings import Settings, Visibility
from sledgehammer_gitlab.variables import DesiredVariable, HiddenValues

PROVIDER = "gitlab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the project asks of GitLab beyond its settings: with values that this machine's environment holds."""

    variables: tuple[DesiredVariable, ...]
    hidden: HiddenValues
    branch: str
    commit: str
    ci_text: str


class GitLabProvisioner:
    """Brings one project to what is desired; `read_desired` is asked anew for each plan."""

    def __init__(self, api: Api, mirror: Mirror, settings: Settings, *, read_desired: Callable[[], Desired]) -> None:
        self._api = api
        self._mirror = mirror
        self._settings = settings
        self._path = settings.project
        self._read_desired = read_desired

    def plan(self) -> ChangeSet:
        """Read and compare; changes nothing on GitLab."""
        before = self._api.sent
        changes = plan_objects(self._objects(), provider=PROVIDER)
        return replace(changes, read_calls=self._api.sent - before)

    def apply(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Make the changes of a fresh plan. No pipeline starts."""
        return apply_objects(self._objects(), provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def plan_destruction(self) -> ChangeSet:
        """What carries our mark."""
        before = self._api.sent
        changes = plan_destruction(self._marked(), provider=PROVIDER)
        return replace(changes, read_calls=self._api.sent - before)

    def destroy(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Delete it."""
        return destroy_objects(self._marked(), provider=PROVIDER, on_plan=on_plan, on_change=on_change)

    def adopt(self, addresses: Collection[str]) -> ChangeSet:
        """Put our mark on what others made."""
        adopt_objects(self._objects(), addresses)
        return self.plan()

    def _objects(self) -> Sequence[ManagedObject]:
        """What sledge.yaml asks for, in the order of an apply, and then what carries our mark and is not asked for."""
        desired, reader = self._read_desired(), ProjectReader(self._api, self._path)
        push = MirrorPush(mirror=self._mirror, read_tip=lambda: reader.tip(desired.branch))
        content_name, ci_name = names(self._path, desired.branch)
        wanted, gone = self._variables(desired, reader)
        return [
            *self._groups(reader),
            Project(api=self._api, reader=reader, settings=self._settings),
            *wanted,
            *self._protections(reader),
            Content(push=push, name=content_name, commit=desired.commit),
            CiFileOnBranch(push=push, name=ci_name, text=desired.ci_text),
            *gone,
        ]

    def _marked(self) -> Sequence[ManagedObject]:
        """What may carry our mark: with a project that we made goes all that it holds. Groups are looked at as far as
        sledge.yaml names them, for that takes an Owner."""
        reader, unknown = ProjectReader(self._api, self._path), HiddenValues()
        if reader.row is None:
            return []
        homes = [VariableHome(api=self._api, reader=reader, group=group) for group in self._groups_with_variables]
        if MADE not in (reader.row.get("topics") or ()):
            homes.append(VariableHome(api=self._api, reader=reader))
        project = Project(api=self._api, reader=reader, settings=self._settings)
        return [project, *(item for home in homes for item in orphans(home, (), unknown))]

    @property
    def _groups_with_variables(self) -> list[str]:
        return sorted({variable.group for variable in self._settings.variables.values() if variable.group})

    def _groups(self, reader: ProjectReader) -> list[ManagedObject]:
        """Those that the project is in, outermost first."""
        segments = self._path.split("/")[:-1]
        paths = ["/".join(segments[:length]) for length in range(1, len(segments) + 1)]
        existing = len(paths)
        if reader.row is None:
            namespace = reader.deepest_namespace()
            existing = namespace.path.count("/") + 1 if namespace is not None else 0
        visibility = (self._settings.visibility or Visibility.PRIVATE).value
        return [
            Group(api=self._api, name=path, is_there=index < existing, visibility=visibility)
            for index, path in enumerate(paths)
        ]

    def _protections(self, reader: ProjectReader) -> list[ManagedObject]:
        """Before the content: the first push finds its branch protected as it shall be."""
        branches = self._settings.protected_branches or {}
        tags = self._settings.protected_tags or {}
        return [
            *(
                ProtectedBranch(api=self._api, reader=reader, pattern=pattern, wanted=wanted)
                for pattern, wanted in branches.items()
            ),
            *(
                ProtectedTag(api=self._api, reader=reader, pattern=pattern, wanted=wanted)
                for pattern, wanted in tags.items()
            ),
        ]

    def _variables(self, desired: Desired, reader: ProjectReader) -> tuple[list[ManagedObject], list[ManagedObject]]:
        """Those that are asked for, and those that were."""
        wanted: list[ManagedObject] = []
        gone: list[ManagedObject] = []
        for group in ("", *self._groups_with_variables):
            home = VariableHome(api=self._api, reader=reader, group=group)
            mine = [variable for variable in desired.variables if variable.settings.group == group]
            for each in mine:
                scope = each.settings.environment_scope
                wanted.append(CiVariable(home=home, key=each.key, scope=scope, wanted=each, hidden=desired.hidden))
            gone += orphans(home, ((each.key, each.settings.environment_scope) for each in mine), desired.hidden)
        return wanted, gone
