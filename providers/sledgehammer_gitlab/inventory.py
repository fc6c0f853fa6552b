"""Which objects one project has on GitLab, and in which order they are made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sledgehammer.errors import ConflictError, CredentialsError, NotFoundError
from sledgehammer.polling import Clock
from sledgehammer.provisioning import ManagedObject
from sledgehammer.secret import Secret
from sledgehammer_gitlab.access_settings import ImageTagProtection, RegistryProtection
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.objects import schedule
from sledgehammer_gitlab.objects.ci_merge_request import CiFileByMergeRequest
from sledgehammer_gitlab.objects.content import CiFileOnBranch, Content, MirrorPush, names
from sledgehammer_gitlab.objects.group import Group
from sledgehammer_gitlab.objects.job_token_scope import JobTokenScope
from sledgehammer_gitlab.objects.project import Project
from sledgehammer_gitlab.objects.project_import import ProjectImport
from sledgehammer_gitlab.objects.project_removal import ProjectRemoval
from sledgehammer_gitlab.objects.protection import ProtectedBranch, ProtectedTag
from sledgehammer_gitlab.objects.registry_rule import REPOSITORY, TAG, RegistryRule, RuleKind
from sledgehammer_gitlab.objects.schedule import PipelineSchedule
from sledgehammer_gitlab.objects.token import Token
from sledgehammer_gitlab.objects.token_kind import (
    ACCESS,
    DEPLOY,
    TokenKind,
    access_of,
    groups_of_ours,
    titles_of_ours,
)
from sledgehammer_gitlab.objects.variable import CiVariable, VariableHome, orphans
from sledgehammer_gitlab.reading import ProjectReader
from sledgehammer_gitlab.settings import Settings, Via, Visibility
from sledgehammer_gitlab.token_settings import AccessToken, DeployToken
from sledgehammer_gitlab.variables import DesiredVariable, HiddenValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the project asks of GitLab beyond its settings: with values that this machine's environment holds."""

    variables: tuple[DesiredVariable, ...]
    hidden: HiddenValues
    branch: str
    commit: str
    import_password: Secret | None = None
    schedule_variables: Mapping[str, Mapping[str, Secret]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One project at one moment. A list of GitLab's is read only where the settings have its key: a key that is
    written empty takes away all that is ours, one that is not written leaves all alone."""

    api: Api
    reader: ProjectReader
    settings: Settings
    clock: Clock

    def wanted(self, desired: Desired, mirror: Mirror) -> list[ManagedObject]:
        """What sledge.yaml asks for, in the order of an apply, then what carries our mark and is not asked for.

        Raises ConflictError for a project that GitLab is going to delete.
        """
        reader = self.reader
        if reader.is_leaving:
            raise ConflictError(
                f"GitLab's project {reader.path} is marked for deletion",
                hint="restore it on its settings page (General > Advanced), or delete it there at once",
            )
        push = MirrorPush(api=self.api, reader=reader, branch=desired.branch, mirror=mirror)
        content_name, ci_name = names(reader.path, desired.branch)
        variables, gone = self._variables(desired)
        return [
            *self._groups(),
            self._project(desired),
            *variables,
            *self._protections(),
            *self._registry_rules(),
            *self._job_token_scope(),
            *self._tokens(),
            Content(push=push, name=content_name, commit=desired.commit),
            self._ci_file(push, ci_name, desired.branch),
            *self._schedules(desired),
            *gone,
        ]

    def marked(self, mirror: Mirror) -> list[ManagedObject]:
        """What may carry our mark: with a project that we made goes all that it holds. Groups are looked at where
        sledge.yaml names them; also for a project that has gone."""
        unknown = HiddenValues()
        shared = self._variables_of_groups(unknown)
        shared += [
            item for each in sorted(self._groups_with_tokens) for item in self._unwanted_tokens(access_of(each), ())
        ]
        if self.reader.row is None or self.reader.is_leaving:
            return shared
        is_forced = self.settings.force_destroy
        project = ProjectRemoval(api=self.api, reader=self.reader, mirror=mirror, is_forced=is_forced)
        if project.is_deletable:
            return [project, *shared]
        tokens = [item for of in (DEPLOY, ACCESS) for item in self._unwanted_tokens(of, ())]
        schedules = self._unwanted_schedules(())
        return [project, *shared, *orphans(self._home(), (), unknown), *tokens, *schedules]

    def _project(self, desired: Desired) -> Project:
        wanted, imported = self.settings.import_from, None
        if wanted is not None:
            password, path = desired.import_password, self.reader.path
            imported = ProjectImport(api=self.api, clock=self.clock, path=path, wanted=wanted, password=password)
        return Project(api=self.api, reader=self.reader, settings=self.settings, imported=imported)

    def _home(self, group: str = "") -> VariableHome:
        return VariableHome(api=self.api, reader=self.reader, group=group)

    @property
    def _groups_with_variables(self) -> list[str]:
        return sorted({variable.group for _, variable in self.settings.each_variable if variable.group})

    def _variables_of_groups(self, hidden: HiddenValues) -> list[ManagedObject]:
        """Those that this project made in the groups that sledge.yaml names, and in those that it is in, of which it
        may name none any more. There whoever may not read them made none."""
        found: list[ManagedObject] = []
        named = self._groups_with_variables
        for group in sorted({*named, *self._paths_of_groups}):
            try:
                found += orphans(self._home(group), (), hidden)
            except (CredentialsError, NotFoundError):
                if group in named:
                    raise
        return found

    @property
    def _paths_of_groups(self) -> list[str]:
        """Of those that the project is in, outermost first."""
        segments = self.reader.path.split("/")[:-1]
        return ["/".join(segments[:length]) for length in range(1, len(segments) + 1)]

    def _groups(self) -> list[ManagedObject]:
        """Those that the project is in, outermost first."""
        paths = self._paths_of_groups
        existing = len(paths)
        if self.reader.row is None:
            namespace = self.reader.deepest_namespace()
            existing = namespace.path.count("/") + 1 if namespace is not None else 0
        visibility = (self.settings.visibility or Visibility.PRIVATE).value
        return [
            Group(api=self.api, name=path, is_there=index < existing, visibility=visibility)
            for index, path in enumerate(paths)
        ]

    def _variables(self, desired: Desired) -> tuple[list[ManagedObject], list[ManagedObject]]:
        """Those that are asked for, and those that were."""
        wanted: list[ManagedObject] = []
        gone: list[ManagedObject] = []
        for group in ("", *self._groups_with_variables):
            home = self._home(group)
            mine = [variable for variable in desired.variables if variable.settings.group == group]
            for each in mine:
                scope = each.settings.environment_scope
                wanted.append(CiVariable(home=home, key=each.key, scope=scope, wanted=each, hidden=desired.hidden))
            gone += orphans(home, ((each.key, each.settings.environment_scope) for each in mine), desired.hidden)
        return wanted, gone

    def _protections(self) -> list[ManagedObject]:
        """Before the content: the first push finds its branch protected as it shall be."""
        branches = (self.settings.protected_branches or {}).items()
        tags = (self.settings.protected_tags or {}).items()
        api, reader = self.api, self.reader
        return [
            *(ProtectedBranch(api=api, reader=reader, pattern=pattern, wanted=wanted) for pattern, wanted in branches),
            *(ProtectedTag(api=api, reader=reader, pattern=pattern, wanted=wanted) for pattern, wanted in tags),
        ]

    def _registry_rules(self) -> list[ManagedObject]:
        base = self.reader.path.lower()
        repositories = (self.settings.registry_protection or {}).items()
        wanted: list[tuple[RuleKind, str, RegistryProtection | ImageTagProtection]] = [
            *((REPOSITORY, f"{base}{'' if below == '.' else below}", rule) for below, rule in repositories),
            *((TAG, pattern, rule) for pattern, rule in (self.settings.image_tag_protection or {}).items()),
        ]
        return [
            RegistryRule(api=self.api, reader=self.reader, of=kind, name=name, wanted=rule)
            for kind, name, rule in wanted
        ]

    def _job_token_scope(self) -> list[ManagedObject]:
        wanted = self.settings.job_token_allowlist
        return [] if wanted is None else [JobTokenScope(api=self.api, reader=self.reader, wanted=wanted)]

    def _ci_file(self, push: MirrorPush, name: str, branch: str) -> ManagedObject:
        if self.settings.ci_file.via is Via.COMMIT:
            return CiFileOnBranch(push=push, name=name)
        return CiFileByMergeRequest(api=self.api, reader=self.reader, push=push, name=name, target=branch)

    def _schedules(self, desired: Desired) -> list[ManagedObject]:
        """After the content, which brings the branch that they run on."""
        wanted = self.settings.schedules
        if wanted is None:
            return []
        variables = desired.schedule_variables
        mine: list[ManagedObject] = [
            PipelineSchedule(api=self.api, reader=self.reader, title=title, wanted=one, variables=variables.get(title))
            for title, one in wanted.items()
        ]
        return [*mine, *self._unwanted_schedules(wanted)]

    def _unwanted_schedules(self, wanted: Iterable[str]) -> list[ManagedObject]:
        return [
            PipelineSchedule(api=self.api, reader=self.reader, title=title, wanted=None)
            for title in sorted(schedule.titles_of_ours(self.reader) - set(wanted))
        ]

    def _tokens(self) -> list[ManagedObject]:
        """Before the content: the job that it brings may need them."""
        found: list[ManagedObject] = []
        if (deploy := self.settings.deploy_tokens) is not None:
            found += self._tokens_of(DEPLOY, deploy)
        if (access := self.settings.access_tokens) is not None:
            for group in ("", *sorted(self._groups_with_tokens)):
                found += self._tokens_of(
                    access_of(group), {title: one for title, one in access.items() if one.group == group}
                )
        return found

    @property
    def _groups_with_tokens(self) -> set[str]:
        """Those that sledge.yaml names, and those of tokens that the project still holds."""
        named = {token.group for token in (self.settings.access_tokens or {}).values() if token.group}
        return named | groups_of_ours(self._home())

    def _tokens_of(self, of: TokenKind, wanted: Mapping[str, DeployToken | AccessToken]) -> list[ManagedObject]:
        made = [
            Token(api=self.api, home=self._home(), clock=self.clock, of=of, title=title, wanted=token)
            for title, token in wanted.items()
        ]
        return [*made, *self._unwanted_tokens(of, wanted)]

    def _unwanted_tokens(self, of: TokenKind, wanted: Iterable[str]) -> list[ManagedObject]:
        titles = titles_of_ours(of, self._home()) - set(wanted)
        return [
            Token(api=self.api, home=self._home(), clock=self.clock, of=of, title=title, wanted=None)
            for title in sorted(titles)
        ]
