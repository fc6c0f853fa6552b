"""The project and those of its settings that sledge.yaml names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.objects.group import namespace_id
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import MADE, MANAGED, ProjectReader
from sledgehammer_gitlab.settings import Settings, Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Deleted only if we made it: an adopted one stays, with the repository that others filled."""

    api: Api
    reader: ProjectReader
    settings: Settings
    kind: str = "gitlab_project"

    @property
    def name(self) -> str:
        return self.settings.project

    def desired(self) -> Attributes:
        return {name: as_text(value) for name, value in self._wanted().items()}

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = self.reader.reread() if anew else self.reader.row
        if row is None:
            return None
        return Observed(
            attributes={name: as_text(row.get(name)) for name in self._wanted()},
            owner=Owner.SLEDGE if self.reader.is_ours else Owner.OTHERS,
            is_kept=MADE not in (row.get("topics") or ()),
        )

    def create(self) -> Collection[str]:
        parent, _, name = self.name.rpartition("/")
        body = {"name": name, "path": name, "namespace_id": namespace_id(self.api, parent), "topics": [MADE]}
        path = project_path(self.name)
        self.api.create("/projects", {**body, **self._wanted()}, find=lambda: self.api.find(path))
        return ()

    def update(self, attributes: Collection[str]) -> None:
        wanted = self._wanted()
        self.api.put(project_path(self.name), {name: wanted[name] for name in attributes})

    def delete(self) -> None:
        self.api.delete(project_path(self.name))

    def mark(self) -> None:
        row: Json = self.reader.reread()
        topics = [*(row.get("topics") or ()), MANAGED]
        self.api.put(project_path(self.name), {"topics": topics})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2 if action is Action.CREATE else 1

    def _wanted(self) -> Mapping[str, Any]:
        """By the names of the API. A visibility that is not set is left as it is, and private for a new project."""
        visibility = self.settings.visibility
        if visibility is None and self.reader.row is None:
            visibility = Visibility.PRIVATE
        return {"visibility": visibility.value} if visibility is not None else {}


def as_text(value: object) -> str:
    """An attribute as a person reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
