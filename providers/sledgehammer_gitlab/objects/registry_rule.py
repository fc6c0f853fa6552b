"""Protected container repositories and tags: ours as far as the project is, for they have no place for a mark."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.access_settings import ImageTagProtection, RegistryLevel, RegistryProtection
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.objects.part import observed_part
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader

ANY = RegistryLevel.ANY.value


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKind:
    """`tail` is the list's path below the project, `pattern` the name that the API has for what a rule is for."""

    name: str
    tail: str
    pattern: str


REPOSITORY = RuleKind(
    name="gitlab_registry_protection",
    tail="registry/protection/repository/rules",
    pattern="repository_path_pattern",
)
TAG = RuleKind(name="gitlab_registry_tag_protection", tail="registry/protection/tag/rules", pattern="tag_name_pattern")
"""Since GitLab 18.8, changed since 18.9 (Container registry protection tag rules API); not in GitLab's OpenAPI document
of 2026-11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRule:
    """One by its pattern: of repositories it begins with the project's path, of tags it is a regular expression."""

    api: Api
    reader: ProjectReader
    of: RuleKind
    name: str
    wanted: RegistryProtection | ImageTagProtection

    @property
    def kind(self) -> str:
        return self.of.name

    def desired(self) -> Attributes:
        return {"push": self.wanted.push.value, "delete": self.wanted.delete.value}

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = self._find(anew=anew)
        if row is None:
            return None
        levels = {name: row.get(f"minimum_access_level_for_{name}") or ANY for name in ("push", "delete")}
        return observed_part(self.reader, levels)

    def create(self) -> Collection[str]:
        levels = {name: level for name, level in self._levels().items() if level}
        self.api.create(self._path, {self.of.pattern: self.name, **levels}, find=lambda: self._find(anew=True))
        return ()

    def update(self, attributes: Collection[str]) -> None:
        row = self._find(anew=False) or {}
        self.api.patch(f"{self._path}/{row['id']}", self._levels())

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1

    @property
    def _path(self) -> str:
        return f"{project_path(self.reader.path)}/{self.of.tail}"

    def _levels(self) -> dict[str, str]:
        """As the API has them: an empty text takes a level away."""
        return {
            f"minimum_access_level_for_{name}": "" if level == ANY else str(level)
            for name, level in self.desired().items()
        }

    def _find(self, *, anew: bool) -> Json | None:
        rows = self.reader.rows(self.of.tail, anew=anew)
        return next((row for row in rows if row[self.of.pattern] == self.name), None)
