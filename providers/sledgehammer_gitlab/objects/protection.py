"""Protected branches and tags. They have no place for a mark: they are ours as far as the project is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, ManualStep, Observed
from sledgehammer_gitlab.access_settings import BranchProtection, Level, TagProtection
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.objects.part import observed_part
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader

BRANCHES = "protected_branches"
TAGS = "protected_tags"
FORCE_PUSH = "force push"

_LEVELS = {level.number: level.value for level in Level}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedBranch:
    """GitLab's page changes levels in one step, its API (without Premium) only by taking the protection away and making
    another: for a moment anybody could push. So that is left to a person."""

    api: Api
    reader: ProjectReader
    pattern: str
    wanted: BranchProtection
    kind: str = "gitlab_protected_branch"

    @property
    def name(self) -> str:
        return f"{self.reader.path} {self.pattern}"

    def desired(self) -> Attributes:
        said = self.wanted
        return {"push": said.push.value, "merge": said.merge.value, FORCE_PUSH: as_text(said.force_push)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = _find(self.reader, BRANCHES, self.pattern, anew=anew)
        if row is None:
            return None
        levels = {"push": _levels(row["push_access_levels"]), "merge": _levels(row["merge_access_levels"])}
        attributes = {**levels, FORCE_PUSH: as_text(bool(row.get("allow_force_push")))}
        step = _step(self.reader, "branches", levels, self.desired())
        return observed_part(self.reader, attributes, manual=step)

    def create(self) -> Collection[str]:
        body = {
            "name": self.pattern,
            "push_access_level": self.wanted.push.number,
            "merge_access_level": self.wanted.merge.number,
            "allow_force_push": self.wanted.force_push,
        }
        find = lambda: _find(self.reader, BRANCHES, self.pattern, anew=True)  # noqa: E731
        self.api.create(f"{project_path(self.reader.path)}/{BRANCHES}", body, find=find)
        return ()

    def update(self, attributes: Collection[str]) -> None:
        path = f"{project_path(self.reader.path)}/{BRANCHES}/{encode(self.pattern)}"
        if FORCE_PUSH in attributes:
            self.api.patch(path, {"allow_force_push": self.wanted.force_push})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedTag:
    """The API changes no rule for tags at all."""

    api: Api
    reader: ProjectReader
    pattern: str
    wanted: TagProtection
    kind: str = "gitlab_protected_tag"

    @property
    def name(self) -> str:
        return f"{self.reader.path} {self.pattern}"

    def desired(self) -> Attributes:
        return {"create": self.wanted.create.value}

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = _find(self.reader, TAGS, self.pattern, anew=anew)
        if row is None:
            return None
        levels = {"create": _levels(row["create_access_levels"])}
        step = _step(self.reader, "tags", levels, self.desired())
        return observed_part(self.reader, levels, manual=step)

    def create(self) -> Collection[str]:
        body = {"name": self.pattern, "create_access_level": self.wanted.create.number}
        find = lambda: _find(self.reader, TAGS, self.pattern, anew=True)  # noqa: E731
        self.api.create(f"{project_path(self.reader.path)}/{TAGS}", body, find=find)
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Levels are a person's to change."""

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1


def _find(reader: ProjectReader, tail: str, pattern: str, *, anew: bool) -> Json | None:
    return next((row for row in reader.rows(tail, anew=anew) if row["name"] == pattern), None)


def _step(reader: ProjectReader, what: str, levels: Mapping[str, str], desired: Attributes) -> ManualStep | None:
    differing = [name for name, level in levels.items() if level != desired[name]]
    if not differing:
        return None
    url = (reader.row or {}).get("web_url", "")
    said = ", ".join(f"{name}: {desired[name]}" for name in differing)
    return ManualStep(note=f"set on the page of protected {what} {said}", link=f"{url}/-/settings/repository")


def _levels(rows: list[Json]) -> str:
    """All that may, as text; a user, group or key of its own is named by what GitLab calls it."""
    names = {
        _LEVELS.get(row["access_level"], "")
        if not any(row.get(key) for key in ("user_id", "group_id", "deploy_key_id"))
        else str(row.get("access_level_description"))
        for row in rows
    }
    return ", ".join(sorted(names)) or Level.NOBODY.value
