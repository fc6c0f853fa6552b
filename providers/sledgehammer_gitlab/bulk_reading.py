"""What plans for many projects read of each, asked of GitLab's GraphQL for two dozen of them at once.

Nothing depends on it: what GraphQL does not tell, or not in full, a plan reads by REST as it does for one project, and
comes to the same. Only plans make do with it; an apply reads everything anew.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import TypeVar

from sledgehammer.errors import SledgehammerError
from sledgehammer.polling import Clock
from sledgehammer.retry import RetryPolicy
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.bulk_query import (
    MOST_PROJECTS,
    Known,
    Part,
    listed,
    projects_query,
    read_branch_rules,
    read_tip,
    read_types,
    read_variables,
    trusted,
    types_query,
)
from sledgehammer_gitlab.credentials import TokenKind, find_access
from sledgehammer_gitlab.objects.protection import BRANCHES
from sledgehammer_gitlab.objects.variable import VARIABLES
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import KnownProject
from sledgehammer_gitlab.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Queries on their way at a time."""

LONGEST_REASON = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A project that is to be planned: what its sledge.yaml says, and the branch that its content is compared with."""

    settings: Settings
    branch: str

    @property
    def path(self) -> str:
        """In lower case, for GitLab does not tell paths by it."""
        return self.settings.project.lower()

    @property
    def namespace(self) -> str:
        """The group, or the person, whose project it is."""
        return self.path.rpartition("/")[0]

    @property
    def group_lists(self) -> frozenset[str]:
        """The API paths of the lists that hold its variables of groups."""
        groups = {variable.group for _, variable in self.settings.each_variable} - {""}
        return frozenset(f"/groups/{encode(group)}/{VARIABLES}" for group in groups)

    def list_path(self, tail: str) -> str:
        """The API path of a list below the project."""
        return f"{project_path(self.settings.project)}/{tail}"

    @property
    def parts(self) -> frozenset[Part]:
        """What its plan reads that GraphQL may tell."""
        asked = {Part.VARIABLES, Part.TIP}
        return frozenset(asked | {Part.BRANCH_RULES} if self.settings.protected_branches else asked)


def batches(items: Iterable[T], *, target_of: Callable[[T], Target]) -> Iterator[Sequence[T]]:
    """As many as one query asks for, of one GitLab and one branch each, as soon as they have come."""
    waiting: dict[tuple[str, str], list[T]] = {}
    for item in items:
        target = target_of(item)
        alike = (target.settings.url, target.branch)
        batch = waiting.setdefault(alike, [])
        batch.append(item)
        if len(batch) == MOST_PROJECTS:
            yield waiting.pop(alike)
    yield from waiting.values()


class BulkReader:
    """Adds to what is `known` of projects (of `listing.list_projects`) what GraphQL tells, by a request beforehand and
    one for each batch. Variables of groups come by REST, a request for each group.

    Batches may be read side by side; all wait for the first, which shows what GitLab takes. `variables` stand for this
    process's environment. Raises CredentialsError without a token, and nothing where GraphQL refuses: `report` tells.
    """

    def __init__(self, variables: Mapping[str, str], *, url: str = "", clock: Clock, policy: RetryPolicy) -> None:
        access = find_access(url, variables)
        self._api = Api(access, clock=clock, policy=policy)
        self._is_asking = access.kind is not TokenKind.JOB  # GraphQL takes no job's token
        self._has_told = False
        self._fields: Known | None = None
        self._group_rows: dict[str, Sequence[Json] | None] = {}
        self._most = MOST_PROJECTS
        self._refusals: set[str] = set()
        self._lacking: set[str] = set()
        self._first = Lock()
        self._is_first_read = False

    def read(self, known: Mapping[str, KnownProject], targets: Iterable[Target]) -> Mapping[str, KnownProject]:
        """Those of a batch that are known, with what is told of them."""
        mine = {target.path: target for target in targets if target.path in known}
        if not mine:
            return {}
        with self._first:
            shared = {path: self._with_groups(known[path], target) for path, target in mine.items()}
            if not self._is_first_read:
                self._is_first_read = True
                return self._read(shared, mine)
        return self._read(shared, mine)

    def report(self) -> None:
        """Say in a line of the log why GraphQL did not tell all that was read, if so."""
        if self._refusals:
            log.warning("GitLab's GraphQL refused, so projects are read one by one: %s", sorted(self._refusals)[0])
        elif self._lacking:
            lacking = ", ".join(sorted(self._lacking))
            log.info("GitLab's GraphQL did not tell all of %s: the rest is read by REST", lacking)

    def _with_groups(self, one: KnownProject, target: Target) -> KnownProject:
        """With the variables of groups, each group's read once for all. One that cannot be read is left to the plans,
        which say why."""
        lists = dict(one.lists)
        for place in sorted(target.group_lists):
            if place not in self._group_rows:
                self._group_rows[place] = None
                with suppress(SledgehammerError):
                    self._group_rows[place] = self._api.get_list(place)
            if (rows := self._group_rows[place]) is not None:
                lists[place] = rows
        return replace(one, lists=lists)

    def _read(self, known: Mapping[str, KnownProject], targets: Mapping[str, Target]) -> Mapping[str, KnownProject]:
        fields = self._fields or self._read_fields()
        if fields is None:
            return known
        branch = next(iter(targets.values())).branch
        parts = frozenset(part for target in targets.values() for part in target.parts) & fields.parts()
        nodes = self._projects(list(targets), branch, parts, fields) if parts else {}
        told = {path: _with(known[path], node, targets[path], parts) for path, node in nodes.items() if path in targets}
        found = {**known, **told}
        self._lacking |= {path for path, target in targets.items() if not _tells_all(found[path], target)}
        return found

    def _read_fields(self) -> Known | None:
        """What GitLab can tell; None where it is not to be asked, or refused before."""
        if not self._is_asking:
            return None
        types = self._ask(types_query(), {})
        if types.data is None:
            self._refusals.add(types.refusal)
            self._is_asking = False
            return None
        self._fields = read_types(types.data)
        return self._fields

    def _projects(self, paths: Sequence[str], branch: str, parts: frozenset[Part], fields: Known) -> Mapping[str, Json]:
        """By path. What is too much for GitLab at once is halved until one project is."""
        query = projects_query(parts, fields)
        ref = {"ref": f"refs/heads/{branch}"} if Part.TIP in parts else {}
        nodes: list[Json | None] = []
        rest = list(paths)
        while rest and self._is_asking:
            chunk = rest[: self._most]
            answer = self._ask(query, {"paths": chunk, "first": len(chunk), **ref})
            if answer.is_too_complex and len(chunk) > 1:
                self._most = min(self._most, len(chunk) // 2)
                continue
            self._note(answer)
            if answer.is_refused:
                break
            nodes += listed(answer.data)
            rest = rest[len(chunk) :]
        return {str(node["fullPath"]).lower(): node for node in nodes if node is not None}

    def _note(self, answer: "_Answer") -> None:
        """Remember why there is no data. A GitLab that refuses before it has told anything is not asked again."""
        if answer.refusal:
            self._refusals.add(answer.refusal)
        self._has_told = self._has_told or answer.data is not None
        self._is_asking = self._is_asking and (self._has_told or not answer.is_refused)

    def _ask(self, query: str, variables: Json) -> "_Answer":
        """What GitLab says of an error is told only where nothing was looked up yet: no value can be in it then."""
        try:
            answer = self._api.query(query, variables)
        except SledgehammerError as error:
            return _Answer(refusal=str(error), is_refused=True)
        data, errors = trusted(answer), [str(error.get("message")) for error in answer.get("errors") or ()]
        if data is not None:
            return _Answer(data=data)
        if answer.get("data") is not None:
            return _Answer(refusal=f"{len(errors)} errors beside an answer")
        return _Answer(refusal="; ".join(errors)[:LONGEST_REASON] or "an answer without data", is_refused=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """`data` None: nothing that could be used. `is_refused`: the query was not even run."""

    data: Json | None = None
    refusal: str = ""
    is_refused: bool = False

    @property
    def is_too_complex(self) -> bool:
        """In GitLab's words: "Query has complexity of 300, which exceeds max complexity of 250"."""
        return self.is_refused and "exceeds max complexity" in self.refusal


def _with(one: KnownProject, node: Json, target: Target, parts: frozenset[Part]) -> KnownProject:
    """A protection that sledge.yaml names and that is not there may only be hidden: then REST is asked."""
    lists, tips = dict(one.lists), dict(one.tips)
    if Part.VARIABLES in parts and (variables := read_variables(node)) is not None:
        lists[target.list_path(VARIABLES)] = variables
    rules = read_branch_rules(node) if Part.BRANCH_RULES in parts else None
    if rules is not None and set(target.settings.protected_branches or ()) <= {row["name"] for row in rules}:
        lists[target.list_path(BRANCHES)] = rules
    if Part.TIP in parts and (tip := read_tip(node)) is not None:
        tips[target.branch] = tip
    return replace(one, lists=lists, tips=tips)


def _tells_all(one: KnownProject, target: Target) -> bool:
    has = {
        Part.VARIABLES: target.list_path(VARIABLES) in one.lists,
        Part.BRANCH_RULES: target.list_path(BRANCHES) in one.lists,
        Part.TIP: target.branch in one.tips,
    }
    return all(has[part] for part in target.parts)
