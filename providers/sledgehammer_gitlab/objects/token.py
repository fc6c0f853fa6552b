"""Tokens whose text GitLab shows once. It goes straight into a CI/CD variable, which says by its mark which token it
holds: a token without such a variable is lost, and is replaced.

A replacement is made, kept, and only then is its predecessor revoked, so a run that is killed anywhere leaves a token
that works, and at most one too many, which the next run revokes. Before a group's first one is made the variable is
there: it tells the group, which sledge.yaml may name no more by the next run.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sledgehammer.changes import Action
from sledgehammer.errors import ConflictError
from sledgehammer.polling import Clock
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.marks import Mark, marked, read_mark
from sledgehammer_gitlab.objects.token_kind import TokenKind, is_alive
from sledgehammer_gitlab.objects.variable import VariableHome
from sledgehammer_gitlab.token_settings import AccessToken, DeployToken, Role

KEPT_IN = "kept in"
COPIES = "copies"
PROTECTED = "protected variable"
EXPIRES = "expires"

TO_COME = "to-come"
"""Stands in a variable's mark for the id of a token that was not made yet."""

_NO_TEXT = "a-token-to-come"
"""What such a variable holds: GitLab masks nothing shorter than eight characters."""

_ROLES = {role.number: role.value for role in Role}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One by the name that sledge.yaml gives it. `wanted` None: sledge.yaml names it no more."""

    api: Api
    home: VariableHome
    clock: Clock
    of: TokenKind
    title: str
    wanted: DeployToken | AccessToken | None

    @property
    def kind(self) -> str:
        return self.of.kind

    @property
    def name(self) -> str:
        return f"{self.of.group or self.home.path} {self.title}"

    @property
    def _noted(self) -> str:
        """What the variable's description says."""
        return f"{self.of.noun} {self.title}"

    def desired(self) -> Attributes | None:
        if self.wanted is None:
            return None
        return {
            **_attributes_of(self.wanted),
            EXPIRES: self._end(self.wanted),
            KEPT_IN: self.wanted.variable,
            PROTECTED: as_text(self.wanted.protected),
            COPIES: "1",
        }

    def observe(self, *, anew: bool = False) -> Observed | None:
        self._check_variable()
        alive = self._alive(anew=anew)
        if not alive:
            is_left = self.wanted is None and any(self._holds_ours(row) for row in self.home.rows())
            return Observed(attributes={}) if is_left else None
        current = self._current()
        if current is None:
            note = "its text is lost" + (": an apply replaces it" if self.wanted is not None else "")
            return Observed(attributes={COPIES: str(len(alive))}, note=note)
        token, variable = current
        names = self.desired() or {}
        shown = {**_attributes_in(token), EXPIRES: _day(token), COPIES: str(len(alive))}
        kept = {KEPT_IN: variable["key"], PROTECTED: as_text(variable["protected"])}
        return Observed(attributes={name: text for name, text in {**shown, **kept}.items() if name in names})

    def create(self) -> Collection[str]:
        self._replace()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        current = self._current()
        if current is None or set(attributes) - {COPIES, PROTECTED}:
            self._replace()
            return
        token, variable = current
        if PROTECTED in attributes:
            body = {"protected": _is_protected(self.wanted)}
            self.api.put(f"{self.home.collection}/{encode(variable['key'])}", body)
        self._revoke_all_but(str(token["id"]))

    def delete(self) -> None:
        """The variable last: it is what tells of a group's token once sledge.yaml does not name the group."""
        self._revoke_all_but()
        for row in self.home.rows():
            if self._holds_ours(row):
                self.api.delete(f"{self.home.collection}/{encode(row['key'])}")

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 3 if action is Action.UPDATE or self.of.group else 2

    def _replace(self) -> None:
        """Revoke those whose text is lost, make one, keep it, and only then revoke its predecessor."""
        assert self.wanted is not None  # noqa: S101 - what is not wanted is neither made nor changed
        current = self._current()
        known = {str(current[0]["id"])} if current is not None else set[str]()
        self._revoke_all_but(*known)
        if self.of.group and not any(self._holds_ours(row) for row in self.home.rows()):
            self._keep(TO_COME, _NO_TEXT, self.wanted)
        end = self._end(self.wanted)
        body = {
            "name": f"{self.title}{self.of.suffix(self.home)}",
            "scopes": [scope.value for scope in self.wanted.scopes],
            **_body_of(self.wanted),
            **({"expires_at": end} if end else {}),
        }
        made = self.api.create_shown_once(self._path, body, forget=lambda: self._revoke_all_but(*known))
        self._keep(str(made["id"]), made["token"], self.wanted)
        self._revoke_all_but(str(made["id"]))

    def _keep(self, token_id: str, text: str, wanted: DeployToken | AccessToken) -> None:
        """Write the variable, and remove one of another key that held the predecessor."""
        ours = [row for row in self.home.rows(anew=True) if self._holds_ours(row)]
        body: dict[str, object] = {
            "value": text,
            "protected": wanted.protected,
            "description": marked(self._noted, Mark(token=token_id)),
        }
        if any(row["key"] == wanted.variable for row in ours):
            self.api.put(f"{self.home.collection}/{encode(wanted.variable)}", body)
        else:
            flags = {"masked": True, "masked_and_hidden": True, "raw": True}
            find = lambda: self.home.find(wanted.variable, "*", anew=True)  # noqa: E731
            self.api.create(self.home.collection, {"key": wanted.variable, **body, **flags}, find=find)
        for row in ours:
            if row["key"] != wanted.variable:
                self.api.delete(f"{self.home.collection}/{encode(row['key'])}")

    def _holds_ours(self, row: Json) -> bool:
        """Whether a variable holds this token or one of its predecessors."""
        text, mark = read_mark(row.get("description"))
        return mark is not None and bool(mark.token) and text == self._noted

    def _check_variable(self) -> None:
        """Raise ConflictError where the variable holds something else."""
        if self.wanted is None:
            return
        row = self.home.find(self.wanted.variable, "*")
        if row is not None and not self._holds_ours(row):
            raise ConflictError(
                f"{self.kind} {self.name} shall be kept in the variable {self.wanted.variable} of {self.home.path}, "
                "which holds something else",
                hint="name another variable, or remove that one",
            )

    def _current(self) -> tuple[Json, Json] | None:
        """The living token whose text is kept, and the variable that keeps it."""
        alive = {str(token["id"]): token for token in self._alive()}
        for row in self.home.rows():
            _, mark = read_mark(row.get("description"))
            if mark is not None and mark.token in alive and self._holds_ours(row):
                return alive[mark.token], row
        return None

    def _alive(self, *, anew: bool = False) -> list[Json]:
        name = f"{self.title}{self.of.suffix(self.home)}"
        return [row for row in self.of.rows(self.home, anew=anew) if row["name"] == name and is_alive(row)]

    def _revoke_all_but(self, *token_ids: str) -> None:
        for token in self._alive(anew=True):
            if str(token["id"]) not in token_ids:
                self.api.delete(f"{self._path}/{token['id']}")

    def _end(self, wanted: DeployToken | AccessToken) -> str:
        """The day on which it shall end; the present one while that is neither near nor too far."""
        if wanted.expires_days is None:
            return ""
        today = self.clock.now().date()
        latest = today + timedelta(days=wanted.expires_days)
        current = self._current()
        day = _day(current[0]) if current is not None else ""
        if day:
            left = (date.fromisoformat(day) - today).days
            if wanted.rotate_before_days < left <= wanted.expires_days:
                return day
        return latest.isoformat()

    @property
    def _path(self) -> str:
        return self.of.path(self.home)


def _attributes_of(wanted: DeployToken | AccessToken) -> dict[str, str]:
    scopes = ", ".join(sorted(scope.value for scope in wanted.scopes))
    if isinstance(wanted, AccessToken):
        return {"scopes": scopes, "role": wanted.role.value}
    return {"scopes": scopes, **({"username": wanted.username} if wanted.username else {})}


def _attributes_in(row: Json) -> dict[str, str]:
    return {
        "scopes": ", ".join(sorted(row["scopes"])),
        "role": _ROLES.get(row.get("access_level", 0), ""),
        "username": row.get("username") or "",
    }


def _body_of(wanted: DeployToken | AccessToken) -> Mapping[str, object]:
    if isinstance(wanted, AccessToken):
        return {"access_level": wanted.role.number}
    return {"username": wanted.username} if wanted.username else {}


def _day(row: Json) -> str:
    return (row.get("expires_at") or "")[:10]


def _is_protected(wanted: DeployToken | AccessToken | None) -> bool:
    return wanted is not None and wanted.protected
