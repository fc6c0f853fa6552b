"""What plans for many projects read of each, asked of GitLab's GraphQL for two dozen of them at once.

Nothing depends on it: what GraphQL does not tell, or not in full, a plan reads by REST as it does for one project, and
comes to the same. Only plans make do with it; an apply reads everything anew.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

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
    def group_lists(self) -> frozenset[str]:
        """The API paths of the lists that hold its variables of groups."""
        groups = {variable.group for variable in self.settings.variables.values()} - {""}
        return frozenset(f"/groups/{encode(group)}/{VARIABLES}" for group in groups)

    def list_path(self, tail: str) -> str:
        """The API path of a list below the project."""
        return f"{project_path(self.settings.project)}/{tail}"

    @property
    def parts(self) -> frozenset[Part]:
        """What its plan reads that GraphQL may tell."""
        asked = {Part.VARIABLES, Part.TIP}
        return frozenset(asked | {Part.BRANCH_RULES} if self.settings.protected_branches else asked)


def read_in_bulk(
    known: Mapping[str, KnownProject],
    targets: Iterable[Target],
    variables: Mapping[str, str],
    *,
    url: str = "",
    clock: Clock,
    policy: RetryPolicy,
) -> Mapping[str, KnownProject]:
    """`known` (of `listing.list_projects`) with what GraphQL tells of the targets in it: by a request beforehand, and
    one for each 25 projects of the same branch. Variables of groups come by REST, a request for each group.

    `variables` stand for this process's environment. Raises CredentialsError without a token, and nothing where GraphQL
    refuses: a line of the log says so then.
    """
    access = find_access(url, variables)
    mine = {target.path: target for target in targets if target.path in known}
    api = Api(access, clock=clock, policy=policy)
    known = {**known, **_with_groups(api, known, mine)}
    if not mine or access.kind is TokenKind.JOB:  # GraphQL takes no job's token
        return known
    reader = _Reader(api)
    found = {**known, **reader.read(known, mine)}
    if reader.refusals:
        log.warning("GitLab's GraphQL refused, so projects are read one by one: %s", sorted(reader.refusals)[0])
    elif lacking := [path for path, target in mine.items() if not _tells_all(found[path], target)]:
        log.info("GitLab's GraphQL did not tell all of %s: the rest is read by REST", ", ".join(sorted(lacking)))
    return found


def _with_groups(
    api: Api, known: Mapping[str, KnownProject], targets: Mapping[str, Target]
) -> Mapping[str, KnownProject]:
    """The targets with the variables of groups, each group's read once for all. One that cannot be read is left to the
    plans, which say why."""
    rows: dict[str, list[Json]] = {}
    for place in sorted({place for target in targets.values() for place in target.group_lists}):
        with suppress(SledgehammerError):
            rows[place] = api.get_list(place)
    shared = {
        path: {place: rows[place] for place in target.group_lists & rows.keys()} for path, target in targets.items()
    }
    return {path: replace(known[path], lists={**known[path].lists, **lists}) for path, lists in shared.items()}


@dataclass(slots=True)
class _Reader:
    """Asks, and remembers in a sentence each why it was refused."""

    api: Api
    refusals: set[str] = field(default_factory=set)

    def read(self, known: Mapping[str, KnownProject], targets: Mapping[str, Target]) -> Mapping[str, KnownProject]:
        """Those of the targets that were told anything of."""
        types = self._ask(types_query(), {})
        if types.data is None:
            self.refusals.add(types.refusal)
            return {}
        fields = read_types(types.data)
        found: dict[str, KnownProject] = {}
        for branch in sorted({target.branch for target in targets.values()}):
            same = {path: target for path, target in targets.items() if target.branch == branch}
            parts = frozenset(part for target in same.values() for part in target.parts) & fields.parts()
            nodes = self._projects(sorted(same), branch, parts, fields) if parts else {}
            found |= {path: _with(known[path], node, same[path], parts) for path, node in nodes.items() if path in same}
        return found

    def _projects(self, paths: Sequence[str], branch: str, parts: frozenset[Part], fields: Known) -> Mapping[str, Json]:
        """By path. The first request finds out how many GitLab takes at once; it halves until one is too many."""
        query = projects_query(parts, fields)
        ref = {"ref": f"refs/heads/{branch}"} if Part.TIP in parts else {}

        def ask(chunk: Sequence[str]) -> _Answer:
            return self._ask(query, {"paths": chunk, "first": len(chunk), **ref})

        size = min(MOST_PROJECTS, len(paths))
        first = ask(paths[:size])
        while first.is_too_complex and size > 1:
            size //= 2
            first = ask(paths[:size])
        others = [] if first.is_refused else [paths[start : start + size] for start in range(size, len(paths), size)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = [first, *pool.map(ask, others)]
        self.refusals |= {answer.refusal for answer in answers if answer.refusal}
        nodes = [node for answer in answers for node in listed(answer.data) if node is not None]
        return {str(node["fullPath"]).lower(): node for node in nodes}

    def _ask(self, query: str, variables: Json) -> "_Answer":
        """What GitLab says of an error is told only where nothing was looked up yet: no value can be in it then."""
        try:
            answer = self.api.query(query, variables)
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
