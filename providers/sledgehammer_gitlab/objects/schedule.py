"""Pipeline schedules."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.provisioning import AlreadyExistsError, Attributes, Observed
from sledgehammer.secret import Secret
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.marks import Mark, marked, read_mark
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader
from sledgehammer_gitlab.upkeep_settings import Schedule

TAIL = "pipeline_schedules"

VARIABLE = "variable "
"""Begins the names of attributes that are its pipelines' variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSchedule:
    """One by the name that sledge.yaml gives it. `wanted` None: sledge.yaml names it no more."""

    api: Api
    reader: ProjectReader
    title: str
    wanted: Schedule | None
    variables: Mapping[str, Secret] | None = None  # of its pipelines; None leaves those that are there alone
    kind: str = "gitlab_schedule"

    @property
    def name(self) -> str:
        return f"{self.reader.path} {self.title}"

    def desired(self) -> Attributes | None:
        said = self.wanted
        if said is None:
            return None
        cron = said.cron if self.reader.row is None else spread(said.cron, self.reader.row["id"])
        own = {"cron": cron, "ref": said.ref, "timezone": said.timezone, "active": as_text(said.active)}
        return {**own, **{f"{VARIABLE}{key}": value for key, value in (self.variables or {}).items()}}

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = self._find(anew=anew)
        if row is None:
            return None
        attributes = {
            "cron": row["cron"],
            "ref": row["ref"].removeprefix("refs/heads/"),  # since 17 GitLab gives the full name
            "timezone": row["cron_timezone"],
            "active": as_text(row["active"]),
        }
        copies = len(self._rows(anew=False))
        doubled = {"copies": str(copies)} if copies > 1 else {}
        there = {f"{VARIABLE}{key}": Secret(text, source="GitLab") for key, text in self._values(row).items()}
        return Observed(attributes={**attributes, **doubled, **there})

    def create(self) -> Collection[str]:
        """Looked for once more: a list that was out of date would bring about a second one."""
        if self._find(anew=True) is not None:
            raise AlreadyExistsError(f"{self.kind} {self.name} is there by now")
        self.api.create(self._path, self._body(), find=lambda: self._find(anew=True))
        return [f"{VARIABLE}{key}" for key in self.variables or ()]

    def update(self, attributes: Collection[str]) -> None:
        first, *others = self._rows(anew=False) or self._rows(anew=True)
        for row in others:
            self.api.delete(f"{self._path}/{row['id']}")
        keys = [name.removeprefix(VARIABLE) for name in attributes if name.startswith(VARIABLE)]
        if len(set(attributes) - {"copies"}) > len(keys):
            self.api.put(f"{self._path}/{first['id']}", self._body())
        if keys:
            self._bring_variables(first, keys)

    def delete(self) -> None:
        for row in self._rows(anew=False):
            self.api.delete(f"{self._path}/{row['id']}")

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return (2 if action is Action.CREATE else 1) + len(self.variables or ())

    def _values(self, row: Json) -> dict[str, str]:
        """Its variables, which a list of schedules does not tell; asked for only where they matter."""
        if self.variables is None:
            return {}
        found = self.api.get(f"{self._path}/{row['id']}")
        return {variable["key"]: variable["value"] for variable in found.get("variables") or ()}

    def _bring_variables(self, row: Json, keys: Collection[str]) -> None:
        base, there, wanted = f"{self._path}/{row['id']}/variables", self._values(row), self.variables or {}
        for key in keys:
            if key not in wanted:
                self.api.delete(f"{base}/{encode(key)}")
            elif key in there:
                self.api.put(f"{base}/{encode(key)}", {"value": wanted[key].reveal()})
            else:
                self._make_variable(base, row, key, wanted[key])

    def _make_variable(self, base: str, row: Json, key: str, value: Secret) -> None:
        def find() -> Json | None:
            return row if key in self._values(row) else None

        self.api.create(base, {"key": key, "value": value.reveal()}, find=find)

    def _body(self) -> dict[str, object]:
        assert self.wanted is not None  # noqa: S101 - what is not wanted is neither made nor changed
        project_id = (self.reader.row or self.reader.reread())["id"]
        return {
            "description": marked(self.title, Mark()),
            "ref": f"refs/heads/{self.wanted.ref}",
            "cron": spread(self.wanted.cron, project_id),
            "cron_timezone": self.wanted.timezone,
            "active": self.wanted.active,
        }

    def _find(self, *, anew: bool) -> Json | None:
        return next(iter(self._rows(anew=anew)), None)

    def _rows(self, *, anew: bool) -> list[Json]:
        """GitLab makes a second one of the same description without a word."""
        return [row for row in self.reader.rows(TAIL, anew=anew) if _title(row) == self.title]

    @property
    def _path(self) -> str:
        return f"{project_path(self.reader.path)}/{TAIL}"


def spread(cron: str, project_id: int) -> str:
    """H for the minute is one that the project's id gives: not all of a fleet's pipelines start at once."""
    minute, _, rest = cron.partition(" ")
    return f"{project_id % 60 if minute == 'H' else minute} {rest}"


def titles_of_ours(reader: ProjectReader) -> set[str]:
    """The names of schedules that carry our mark."""
    return {title for row in reader.rows(TAIL) if (title := _title(row))}


def _title(row: Json) -> str:
    text, mark = read_mark(row["description"])
    return text if mark is not None else ""
