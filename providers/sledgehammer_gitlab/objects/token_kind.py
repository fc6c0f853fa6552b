"""Deploy tokens and access tokens, of the project and of groups: where they are listed, and which of them are ours."""

from dataclasses import dataclass

from sledgehammer_gitlab.api import Json, encode
from sledgehammer_gitlab.marks import Mark, read_mark
from sledgehammer_gitlab.objects.variable import VariableHome
from sledgehammer_gitlab.paths import project_path

NAME_MARK = " [sledge]"
"""Ends the names of our tokens; a group's, which other projects may have some of, tell whose by `by=`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKind:
    """Deploy tokens, or access tokens; `group` is "" for those of the project."""

    kind: str
    noun: str
    tail: str  # of the list's path
    group: str = ""

    def suffix(self, home: VariableHome) -> str:
        """What ends the names of those that the project made."""
        return f" {Mark(by=home.path)}" if self.group else NAME_MARK

    def path(self, home: VariableHome) -> str:
        """The API path of the list."""
        base = f"/groups/{encode(self.group)}" if self.group else project_path(home.reader.path)
        return f"{base}/{self.tail}"

    def rows(self, home: VariableHome, *, anew: bool = False) -> list[Json]:
        """The list."""
        if self.group:
            return home.reader.group_rows(self.group, self.tail, anew=anew)
        return home.reader.rows(self.tail, anew=anew)


DEPLOY = TokenKind(kind="gitlab_deploy_token", noun="deploy token", tail="deploy_tokens")
ACCESS = TokenKind(kind="gitlab_access_token", noun="access token", tail="access_tokens")

_OF_GROUP = "token of group "
"""Begins the descriptions of variables that hold one; unlike the nouns of the others."""


def access_of(group: str) -> TokenKind:
    """Access tokens of a group, or with "" of the project."""
    if not group:
        return ACCESS
    return TokenKind(kind="gitlab_group_access_token", noun=f"{_OF_GROUP}{group}", tail=ACCESS.tail, group=group)


def titles_of_ours(of: TokenKind, home: VariableHome) -> set[str]:
    """The names, as sledge.yaml gives them, of our living tokens and of those whose variable is still there."""
    names, suffix = [row["name"] for row in of.rows(home) if is_alive(row)], of.suffix(home)
    return {
        *(name.removesuffix(suffix) for name in names if name.endswith(suffix)),
        *(note.removeprefix(f"{of.noun} ") for note in _notes(home) if note.startswith(f"{of.noun} ")),
    }


def groups_of_ours(home: VariableHome) -> set[str]:
    """Groups of tokens that the project's variables hold, whether sledge.yaml still names them or not."""
    notes = [note.removeprefix(_OF_GROUP) for note in _notes(home) if note.startswith(_OF_GROUP)]
    return {note.partition(" ")[0] for note in notes}


def _notes(home: VariableHome) -> list[str]:
    """Descriptions of variables that hold tokens of ours."""
    marks = [read_mark(row.get("description")) for row in home.rows()]
    return [text for text, mark in marks if mark is not None and mark.token]


def is_alive(row: Json) -> bool:
    """Whether a token opens anything."""
    return not row.get("revoked") and not row.get("expired") and row.get("active") is not False
