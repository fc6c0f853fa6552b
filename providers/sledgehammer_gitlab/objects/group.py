"""The groups that a project is in. They may hold others' projects, so they are made where missing and never deleted."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.paths import find_namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One of them by its full path."""

    api: Api
    name: str
    is_there: bool
    visibility: str  # of the project: nothing in a group may be more visible than the group
    kind: str = "gitlab_group"

    def desired(self) -> Attributes:
        return {}

    def observe(self, *, anew: bool = False) -> Observed | None:
        is_there = self._find() is not None if anew else self.is_there
        return Observed(attributes={}) if is_there else None

    def create(self) -> Collection[str]:
        parent, _, name = self.name.rpartition("/")
        body: dict[str, object] = {"name": name, "path": name, "visibility": self.visibility}
        if parent:
            body["parent_id"] = namespace_id(self.api, parent)
        self.api.create("/groups", body, find=self._find)
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """It has none."""

    def _find(self) -> Json | None:
        return self.api.find(f"/groups/{encode(self.name)}")

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2 if "/" in self.name else 1


def namespace_id(api: Api, path: str) -> int:
    """The id by which a namespace is named in requests."""
    found = find_namespace(api, path)
    if found is None:
        raise NotFoundError(f"GitLab's namespace {path} has gone while it was used", hint="run apply again")
    return found.id
