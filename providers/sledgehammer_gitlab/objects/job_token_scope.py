"""Whose jobs may come in with their job token: a list of the project's, ours as far as the project is."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.objects.part import observed_part
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader

LIMITED = "limited to the list"
PROJECTS = "projects"
GROUPS = "groups"
ALLOWLIST = "job_token_scope/allowlist"
GROUPS_ALLOWLIST = "job_token_scope/groups_allowlist"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTokenScope:
    """Every project has one, so that it is there as soon as the project is. A group on it would let in all of its
    projects, those to come too: none is left there."""

    api: Api
    reader: ProjectReader
    wanted: tuple[str, ...]  # full paths
    kind: str = "gitlab_job_token_scope"

    @property
    def name(self) -> str:
        return self.reader.path

    def desired(self) -> Attributes:
        return {LIMITED: "true", PROJECTS: ", ".join(sorted(path.lower() for path in self.wanted)), GROUPS: ""}

    def observe(self, *, anew: bool = False) -> Observed | None:
        scope = self.reader.object("job_token_scope")
        if scope is None:
            return None
        attributes = {
            LIMITED: as_text(bool(scope["inbound_enabled"])),
            PROJECTS: ", ".join(sorted(self._listed(anew=anew))),
            GROUPS: ", ".join(sorted(self._groups(anew=anew))),
        }
        return observed_part(self.reader, attributes)

    def create(self) -> Collection[str]:
        """The project was made just now, and its list is empty."""
        return (LIMITED, PROJECTS) if self.wanted else (LIMITED,)

    def update(self, attributes: Collection[str]) -> None:
        base = project_path(self.reader.path)
        if LIMITED in attributes:
            self.api.patch(f"{base}/job_token_scope", {"enabled": True})
        if GROUPS in attributes:
            for row in self._groups(anew=True).values():
                self.api.delete(f"{base}/{GROUPS_ALLOWLIST}/{row['id']}")
        if PROJECTS not in attributes:
            return
        listed = self._listed(anew=True)
        wanted = {path.lower(): path for path in self.wanted}
        for lower, path in wanted.items():
            if lower not in listed:
                self._let_in(lower, path)
        for lower, row in listed.items():
            if lower not in wanted:
                self.api.delete(f"{base}/{ALLOWLIST}/{row['id']}")

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1 + 2 * len(self.wanted) if PROJECTS in attributes else 1

    def _let_in(self, lower: str, path: str) -> None:
        body = {"target_project_id": self._id_of(path)}
        find = lambda: self._listed(anew=True).get(lower)  # noqa: E731
        self.api.create(f"{project_path(self.reader.path)}/{ALLOWLIST}", body, find=find)

    def _listed(self, *, anew: bool) -> dict[str, Json]:
        """By path in lower case; the project itself is always let in and not counted."""
        own = self.reader.path.lower()
        rows = self.reader.rows(ALLOWLIST, anew=anew)
        return {path: row for row in rows if (path := row["path_with_namespace"].lower()) != own}

    def _groups(self, *, anew: bool) -> dict[str, Json]:
        """By path, which their pages tell. None on a GitLab that has no such list yet."""
        try:
            rows = self.reader.rows(GROUPS_ALLOWLIST, anew=anew)
        except NotFoundError:
            return {}
        return {row["web_url"].partition("/groups/")[2]: row for row in rows}

    def _id_of(self, path: str) -> int:
        found = self.api.find(project_path(path))
        if found is None:
            raise NotFoundError(
                f"gitlab.job_token_allowlist names {path}, which does not exist or which this token may not see"
            )
        return int(found["id"])
