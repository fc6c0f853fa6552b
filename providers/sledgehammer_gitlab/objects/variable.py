"""CI/CD variables of the project and of groups."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.errors import ConflictError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer.provisioning.fingerprint import KEY_VARIABLE, fingerprint
from sledgehammer.secret import Secret
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.marks import Mark, marked, read_mark
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader
from sledgehammer_gitlab.variables import REWRITE_VARIABLE, DesiredVariable, HiddenValues

VARIABLES = "variables"

NOT_COMPARED = f"hidden: without {KEY_VARIABLE} its value cannot be compared; {REWRITE_VARIABLE}=1 writes it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableHome:
    """The project or the group that holds variables; `group` is "" for the project."""

    api: Api
    reader: ProjectReader
    group: str = ""

    @property
    def path(self) -> str:
        """Full path of the project or the group."""
        return self.group or self.reader.path

    @property
    def collection(self) -> str:
        """The API path of its variables."""
        base = f"/groups/{encode(self.group)}" if self.group else project_path(self.reader.path)
        return f"{base}/{VARIABLES}"

    def rows(self, *, anew: bool = False) -> list[Json]:
        """All of them, in the same order whichever way they were read."""
        if self.group:
            found = self.reader.group_rows(self.group, VARIABLES, anew=anew)
        else:
            found = self.reader.rows(VARIABLES, anew=anew)
        return sorted(found, key=lambda row: (row["key"], row.get("environment_scope", "*")))

    def find(self, key: str, scope: str, *, anew: bool = False) -> Json | None:
        """The one of that key and environment scope."""
        rows = self.rows(anew=anew)
        return next((row for row in rows if (row["key"], row.get("environment_scope", "*")) == (key, scope)), None)

    def is_by_us(self, mark: Mark | None) -> bool:
        """Whether the project made what carries that mark: in a group others make some, too."""
        return mark is not None and (not self.group or mark.by.lower() == self.reader.path.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class CiVariable:
    """One by its key and scope. `wanted` None: sledge.yaml names it no more."""

    home: VariableHome
    key: str
    scope: str
    wanted: DesiredVariable | None
    hidden: HiddenValues

    @property
    def kind(self) -> str:
        return "gitlab_group_variable" if self.home.group else "gitlab_variable"

    @property
    def name(self) -> str:
        scope = "" if self.scope == "*" else f" [{self.scope}]"
        return f"{self.home.path} {self.key}{scope}"

    def desired(self) -> Attributes | None:
        if self.wanted is None:
            return None
        value = self._wanted_value(self.wanted)
        return {**({"value": value} if value is not None else {}), **self.wanted.attributes()}

    def observe(self, *, anew: bool = False) -> Observed | None:
        row = self.home.find(self.key, self.scope, anew=anew)
        if row is None:
            return None
        text, mark = read_mark(row.get("description"))
        if mark is not None and mark.token:
            raise ConflictError(
                f"{self.kind} {self.name} holds the token {mark.token} of sledge's, so sledge.yaml cannot set it",
                hint="choose another key",
            )
        is_hidden = is_hidden_row(row)
        value = row["value"] if not is_hidden else mark.value if mark is not None else ""
        is_compared = self.wanted is None or self._wanted_value(self.wanted) is not None
        return Observed(
            attributes={
                **({"value": Secret(value, source="GitLab")} if is_compared else {}),
                **{name: as_text(bool(row[name])) for name in ("masked", "protected", "raw")},
                "hidden": as_text(is_hidden),
                "description": text,
            },
            owner=Owner.SLEDGE if self.home.is_by_us(mark) else Owner.OTHERS,
            note="" if is_compared else NOT_COMPARED,
            made_for=mark.by if mark is not None else "",
        )

    def create(self) -> Collection[str]:
        self._create(self._must())
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """GitLab neither hides a variable that it has shown nor shows a hidden one: that takes a new one."""
        wanted = self._must()
        if "hidden" in attributes:
            self.delete()
            self._create(wanted)
            return
        body = wanted.body()
        row = self.home.find(self.key, self.scope) or {}
        _, mark = read_mark(row.get("description"))
        value = mark.value if mark is not None else ""
        if "value" in attributes or not wanted.settings.hidden:
            value = self._fingerprint(wanted)
        else:
            del body["value"]
        body["description"] = marked(wanted.settings.description, Mark(by=self._by, value=value))
        self._put(body)

    def delete(self) -> None:
        self.home.api.delete(self._path_with_scope)

    def mark(self) -> None:
        """Another project's mark gives way to ours; the fingerprint in it tells the value all the same."""
        row = self.home.find(self.key, self.scope) or {}
        text, mark = read_mark(row.get("description"))
        self._put({"description": marked(text, Mark(by=self._by, value="" if mark is None else mark.value))})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2 if "hidden" in attributes and action is Action.UPDATE else 1

    @property
    def _by(self) -> str:
        """Others share a group's variable: it tells who made it."""
        return self.home.reader.path if self.home.group else ""

    @property
    def _path(self) -> str:
        return f"{self.home.collection}/{encode(self.key)}"

    @property
    def _path_with_scope(self) -> str:
        """One key may be there in several scopes."""
        return f"{self._path}?filter[environment_scope]={encode(self.scope)}"

    def _put(self, body: dict[str, object]) -> None:
        if self.home.group:
            self.home.api.put(self._path_with_scope, body)  # as GitLab's description of its API has it
        else:
            self.home.api.put(self._path, {**body, "filter": {"environment_scope": self.scope}})

    def _create(self, wanted: DesiredVariable) -> None:
        mark = Mark(by=self._by, value=self._fingerprint(wanted))
        body = {"key": self.key, **wanted.body(), "description": marked(wanted.settings.description, mark)}
        if wanted.settings.hidden:
            body["masked_and_hidden"] = True
        find = lambda: self.home.find(self.key, self.scope, anew=True)  # noqa: E731
        self.home.api.create(self.home.collection, body, find=find)

    def _wanted_value(self, wanted: DesiredVariable) -> Secret | None:
        """What is compared with what can be read: the value, or a hidden one's fingerprint; None for nothing. One that
        is to be written anew differs from any fingerprint, and for a saved plan from other values."""
        row = self.home.find(self.key, self.scope)
        if row is None or not wanted.settings.hidden or not is_hidden_row(row):
            return wanted.value
        if self.hidden.is_rewriting and self.home.is_by_us(read_mark(row.get("description"))[1]):
            return Secret(f"to be written anew: {wanted.value.reveal()}", source=REWRITE_VARIABLE)
        text = self._fingerprint(wanted)
        return Secret(text, source=KEY_VARIABLE) if text else None

    def _fingerprint(self, wanted: DesiredVariable) -> str:
        if not wanted.settings.hidden or self.hidden.key is None:
            return ""
        return fingerprint(wanted.value, key=self.hidden.key, context=self.name)

    def _must(self) -> DesiredVariable:
        assert self.wanted is not None  # noqa: S101 - what is not wanted is neither made nor changed
        return self.wanted


def is_hidden_row(row: Json) -> bool:
    """Whether GitLab will not show the value again; older ones do not say so otherwise than by showing none."""
    return bool(row.get("hidden")) or row.get("value") is None


def orphans(home: VariableHome, wanted: Iterable[tuple[str, str]], hidden: HiddenValues) -> list[CiVariable]:
    """Variables with our mark that sledge.yaml names no more, those that hold tokens left out."""
    named, found = set(wanted), []
    for row in home.rows():
        key, scope = row["key"], row.get("environment_scope", "*")
        _, mark = read_mark(row.get("description"))
        if mark is None or mark.token or (key, scope) in named or not home.is_by_us(mark):
            continue
        found.append(CiVariable(home=home, key=key, scope=scope, wanted=None, hidden=hidden))
    return found
