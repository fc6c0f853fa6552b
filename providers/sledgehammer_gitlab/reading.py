"""What is there: the project and the lists below it, each read once for a plan and only when it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from sledgehammer.errors import ConfigurationError, ConflictError, NotFoundError
from sledgehammer_gitlab.api import PER_PAGE, Api, Json, encode
from sledgehammer_gitlab.paths import Namespace, find_namespace, find_project, is_leaving, project_path

MADE = "made-by-sledge"
MANAGED = "managed-by-sledge"
"""Topics that mark a project: one that we made, and one that we were let in on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProject:
    """What was read of a project along with others, just now: its row, the rows of lists by their API paths, commits by
    branch. What is not in it is asked for."""

    row: Json = field(repr=False)  # its owner is shown the runners' token in it
    lists: Mapping[str, Sequence[Json]] = field(default_factory=dict, repr=False)  # values of variables are in it
    tips: Mapping[str, str] = field(default_factory=dict)


class ProjectReader:
    """One project by its path, at one moment."""

    def __init__(self, api: Api, path: str, *, known: KnownProject | None = None) -> None:
        self._api = api
        self.path = path
        self._row = None if known is None else known.row
        self._is_read = known is not None
        self._is_listed = known is not None
        self._known_lists = {} if known is None else known.lists
        self._lists: dict[str, list[Json]] = {}
        self._tips = {} if known is None else known.tips
        self._used_tips: set[str] = set()
        self._branches: dict[str, Json | None] = {}
        self._groups: dict[str, bool] = {}

    @property
    def row(self) -> Json | None:
        """The project; None when there is none. Raises ConflictError when it has moved to another path."""
        if not self._is_read:
            self._row = find_project(self._api, self.path)
            self._is_read = True
        if self._row is not None and self._row["path_with_namespace"].lower() != self.path.lower():
            moved = self._row["path_with_namespace"]
            raise ConflictError(
                f"GitLab's project {self.path} has moved to {moved}", hint=f"set gitlab.project to {moved}"
            )
        return self._row

    @property
    def spared_calls(self) -> int:
        """Requests that were not sent for what was known and used; whoever knows nothing sends them."""
        lists = [self._lists[place] for place in self._known_lists if place in self._lists]
        pages = sum(max(1, ceil(len(rows) / PER_PAGE)) for rows in lists)
        return int(self._is_listed) + pages + len(self._used_tips - set(self._branches))

    @property
    def is_ours(self) -> bool:
        """Whether we made the project or were let in on it; one that is not there yet will be ours."""
        return self.row is None or bool({MADE, MANAGED} & set(self.row.get("topics") or ()))

    @property
    def is_leaving(self) -> bool:
        """Whether GitLab is going to delete the project, and has left it its path (before 18)."""
        return self.row is not None and is_leaving(self.row)

    def reread(self) -> Json:
        """The project anew, once it has been made."""
        self._is_read = False
        row = self.row
        if row is None:
            raise NotFoundError(f"GitLab's project {self.path} has gone while it was used", hint="run apply again")
        return row

    def rows(self, tail: str, *, anew: bool = False) -> list[Json]:
        """The list at that path below the project; nothing where there is no project."""
        if self.row is None and not anew:
            return []
        return self._list(f"{project_path(self.path)}/{tail}", anew=anew)

    def group_rows(self, group: str, tail: str, *, anew: bool = False) -> list[Json]:
        """The same of a group, which must be one that the project is in."""
        if self.row is None and not anew and not self._has_group(group):
            return []
        return self._list(f"/groups/{encode(group)}/{tail}", anew=anew)

    def _has_group(self, group: str) -> bool:
        if group not in self._groups:
            self._groups[group] = self._api.find(f"/groups/{encode(group)}") is not None
        return self._groups[group]

    def object(self, tail: str) -> Json | None:
        """A single object below the project."""
        return None if self.row is None else self._api.find(f"{project_path(self.path)}/{tail}")

    def tip(self, branch: str) -> str:
        """The branch's commit; "" when there is none."""
        if (known := self._tips.get(branch)) and self.row is not None:
            self._used_tips.add(branch)
            return known
        row = self._branch(branch)
        return "" if row is None else str(row["commit"]["id"])

    def may_push(self, branch: str) -> bool:
        """Whether this token's user may; to a branch that is not there yet GitLab will tell."""
        row = self._branch(branch)
        return row is None or bool(row.get("can_push", True))

    def _branch(self, branch: str) -> Json | None:
        if branch not in self._branches:
            path = f"{project_path(self.path)}/repository/branches/{encode(branch)}"
            self._branches[branch] = None if self.row is None else self._api.find(path)
        return self._branches[branch]

    def deepest_namespace(self) -> Namespace | None:
        """The innermost namespace on the path that exists.

        Raises ConfigurationError where that is a person's, which has no groups, and one is asked for.
        """
        segments = self.path.split("/")[:-1]
        for length in range(len(segments), 0, -1):
            found = find_namespace(self._api, "/".join(segments[:length]))
            if found is None:
                continue
            if found.is_personal and length < len(segments):
                raise ConfigurationError(
                    f"{self.path} cannot be: {found.path} is a person's namespace, which has no groups",
                    hint=f"set gitlab.project to {found.path}/<name>, or choose a group",
                )
            return found
        return None

    def _list(self, path: str, *, anew: bool) -> list[Json]:
        if anew or path not in self._lists:
            known = None if anew else self._known_lists.get(path)
            self._lists[path] = self._api.get_list(path) if known is None else list(known)
        return self._lists[path]
