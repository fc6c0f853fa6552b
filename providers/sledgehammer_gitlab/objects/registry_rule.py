"""Protected container repositories: ours as far as the project is, for they have no place for a mark."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.access_settings import RegistryLevel, RegistryProtection
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.objects.part import observed_part
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader

TAIL = "registry/protection/repository/rules"
ANY = RegistryLevel.ANY.value


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRule:
    """One by its pattern, which begins with the project's path."""

    api: Api
    reader: ProjectReader
    below: str  # what follows the project's path: "." for nothing, "/cache", "*"
    wanted: RegistryProtection
    kind: str = "gitlab_registry_protection"

    @property
    def name(self) -> str:
        return f"{self.reader.path.lower()}{'' if self.below == '.' else self.below}"

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
        body = {"repository_path_pattern": self.name, **levels}
        self.api.create(f"{project_path(self.reader.path)}/{TAIL}", body, find=lambda: self._find(anew=True))
        return ()

    def update(self, attributes: Collection[str]) -> None:
        row = self._find(anew=False) or {}
        self.api.patch(f"{project_path(self.reader.path)}/{TAIL}/{row['id']}", self._levels())

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1

    def _levels(self) -> dict[str, str]:
        """As the API has them: an empty text takes a level away."""
        return {
            f"minimum_access_level_for_{name}": "" if level == ANY else str(level)
            for name, level in self.desired().items()
        }

    def _find(self, *, anew: bool) -> Json | None:
        rows = self.reader.rows(TAIL, anew=anew)
        return next((row for row in rows if row["repository_path_pattern"] == self.name), None)
