"""The project and those of its settings that sledge.yaml names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.objects.group import namespace_id
from sledgehammer_gitlab.objects.project_import import UNDER_WAY, ProjectImport
from sledgehammer_gitlab.paths import find_project, project_path
from sledgehammer_gitlab.reading import MADE, MANAGED, ProjectReader
from sledgehammer_gitlab.settings import Settings, Visibility
from sledgehammer_gitlab.upkeep_settings import Cleanup

CLEANUP = "cleanup."
"""Begins the names of the cleanup policy's attributes."""

IMPORT = "imported from"
"""The attribute of a project that GitLab still has to fill."""

GIT_DEPTH = "ci_default_git_depth"
"""GitLab takes it for a project that is there, not with the request that makes one (Projects API)."""

BUILT_TAGS = "[0-9a-f]{40}|key-[0-9a-f]{32}.*"
"""Tags that a job gives: the commit's, and the content's (`shell/reuse.sh`). A cache's tag is a branch's slug or begins
with a word, so it is never among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What an apply makes and changes; how it goes is told by `project_removal`."""

    api: Api
    reader: ProjectReader
    settings: Settings
    imported: ProjectImport | None = None
    kind: str = "gitlab_project"

    @property
    def name(self) -> str:
        return self.settings.project

    def desired(self) -> Attributes:
        """An import is told of a project that is to be made, and of one that was killed while it went on."""
        return {name: as_text(value) for name, value in self._wanted().items()} | self._imports()

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = self.reader.reread() if anew else self.reader.row
        if row is None:
            return None
        if self.imported is not None:
            self.imported.check_not_failed(row)
        return Observed(
            attributes={name: as_text(_in_row(row, name)) for name in self._wanted()},
            owner=Owner.SLEDGE if self.reader.is_ours else Owner.OTHERS,
        )

    def create(self) -> Collection[str]:
        parent, _, name = self.name.rpartition("/")
        body = {"name": name, "path": name, "namespace_id": namespace_id(self.api, parent), "topics": [MADE]}
        if self.imported is not None:
            body["import_url"] = self.imported.address()
        at_once = [name for name in self._wanted() if name != GIT_DEPTH]
        self.api.create("/projects", {**body, **self._body(at_once)}, find=lambda: find_project(self.api, self.name))
        if self.imported is not None:
            self.imported.wait()
        return [name for name in self._wanted() if name == GIT_DEPTH]

    def update(self, attributes: Collection[str]) -> None:
        if self.imported is not None and IMPORT in attributes:
            self.imported.wait()
        if names := [name for name in attributes if name != IMPORT]:
            self.api.put(project_path(self.name), self._body(names))

    def mark(self) -> None:
        row: Json = self.reader.reread()
        topics = [*(row.get("topics") or ()), MANAGED]
        self.api.put(project_path(self.name), {"topics": topics})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2 if action is Action.CREATE else 1

    def _imports(self) -> dict[str, str]:
        row = self.reader.row
        if self.imported is None or (row is not None and row.get("import_status") not in UNDER_WAY):
            return {}
        if row is None:
            self.imported.check_credentials()
        return {IMPORT: self.imported.wanted.url}

    def _wanted(self) -> Mapping[str, Any]:
        """By the names of the API. A visibility that is not set is left as it is, and private for a new project."""
        visibility = self.settings.visibility
        if visibility is None and self.reader.row is None:
            visibility = Visibility.PRIVATE
        ci, cleanup = self.settings.ci, self.settings.cleanup
        wanted = {
            "visibility": visibility.value if visibility is not None else None,
            "container_registry_access_level": ci.registry.value if ci.registry is not None else None,
            "build_timeout": ci.timeout_minutes * 60 if ci.timeout_minutes is not None else None,
            "auto_cancel_pending_pipelines": _switch(ci.auto_cancel),
            GIT_DEPTH: ci.git_depth,
            **(cleanup_policy(cleanup) if cleanup is not None else {}),
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def _body(self, names: Collection[str]) -> dict[str, object]:
        """Attributes of the cleanup policy are nested; it is sent as a whole."""
        wanted = self._wanted()
        body: dict[str, object] = {name: wanted[name] for name in names if not name.startswith(CLEANUP)}
        if any(name.startswith(CLEANUP) for name in names):
            policy = {name.removeprefix(CLEANUP): value for name, value in wanted.items() if name.startswith(CLEANUP)}
            body["container_expiration_policy_attributes"] = policy
        return body


def cleanup_policy(wanted: Cleanup) -> dict[str, Any]:
    """The policy by GitLab's names (Projects API, `container_expiration_policy_attributes`)."""
    policy = {
        "enabled": True,
        "cadence": wanted.cadence.value,
        "keep_n": wanted.keep,
        "older_than": wanted.older_than.value,
        "name_regex": _of_whole_tags(BUILT_TAGS),
        "name_regex_keep": _of_whole_tags(wanted.spare),
    }
    return {f"{CLEANUP}{name}": value for name, value in policy.items()}


def _of_whole_tags(pattern: str) -> str:
    """GitLab puts \\A before the text and \\z behind it, and no group around it: of a|b that makes "begins with a, or
    ends with b" (app/services/projects/container_repository/cleanup_tags_base_service.rb, `filter_by_name!`)."""
    return f"(?:{pattern})" if pattern else ""


def _in_row(row: Json, name: str) -> object:
    if name.startswith(CLEANUP):
        return (row.get("container_expiration_policy") or {}).get(name.removeprefix(CLEANUP))
    return row.get(name)


def _switch(is_on: bool | None) -> str | None:
    return None if is_on is None else "enabled" if is_on else "disabled"
