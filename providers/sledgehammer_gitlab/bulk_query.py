"""What GitLab's GraphQL is asked for many projects at once, and its answer as REST would have put it. Pure.

Names and types: GraphQL API reference (docs.gitlab.com/api/graphql/reference), `Query.projects`, `Project.ciVariables`,
`Project.branchRules`, `Project.repository`. Deploy tokens, access tokens and protected tags are not in it; pipeline
schedules it gives for one project a request only; protection rules of the container registry are an experiment there.
Those are read by REST, of the projects whose sledge.yaml asks for them.

A part that an answer does not give in full and without doubt is None here, and is read by REST, too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from sledgehammer_gitlab.api import Json

MOST_PROJECTS = 25
"""Of one query. GitLab takes 50 paths and a complexity of 250 (GraphQL API docs, "Limits"): a field costs 1, one that
asks Gitaly 1 more, a connection of up to 100 entries twice what is below it, each listed project a hundredth of what is
asked of one. So all parts of 25 projects cost about 120. What bounds them is the half minute that a query may take,
with a call of Gitaly for each project."""

_MORE = "pageInfo { hasNextPage }"

_ROLES = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers"}
"""What GitLab calls a level that is a role's and no user's, group's or key's."""

_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class Part(Enum):
    """What GraphQL can tell of a project, by what it must know for that."""

    VARIABLES = "variables"
    BRANCH_RULES = "branch rules"
    TIP = "tip"


_NEEDED: Mapping[Part, Mapping[str, frozenset[str]]] = {
    Part.VARIABLES: {
        "Project": frozenset({"ciVariables"}),
        "CiProjectVariable": frozenset(
            {"key", "value", "hidden", "masked", "protected", "raw", "environmentScope", "description"}
        ),
    },
    Part.BRANCH_RULES: {
        "Project": frozenset({"branchRules"}),
        "BranchProtection": frozenset({"allowForcePush", "pushAccessLevels", "mergeAccessLevels"}),
        "PushAccessLevel": frozenset({"accessLevel", "accessLevelDescription", "deployKey"}),
        "MergeAccessLevel": frozenset({"accessLevel", "accessLevelDescription"}),
    },
    Part.TIP: {"Project": frozenset({"repository"}), "Tree": frozenset({"lastCommit"})},
}

_HOLDERS = ("user", "group", "deployKey")
"""Whom a level may be for beside a role. Only Premium's types have the first two, and only there are such levels."""

TYPES = tuple(sorted({name for needed in _NEEDED.values() for name in needed}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The fields that this GitLab has, by type."""

    fields: Mapping[str, frozenset[str]]

    def parts(self) -> frozenset[Part]:
        """What can be asked."""
        return frozenset(
            part
            for part, needed in _NEEDED.items()
            if all(fields <= self.fields.get(name, frozenset()) for name, fields in needed.items())
        )


def types_query() -> str:
    """Which fields there are: an older GitLab knows less, and refuses a query with one that it does not know."""
    return "{ " + " ".join(f'{name}: __type(name: "{name}") {{ fields {{ name }} }}' for name in TYPES) + " }"


def read_types(data: Json) -> Known:
    """The answer to that."""
    return Known(
        fields={
            name: frozenset(field["name"] for field in kind.get("fields") or ())
            for name, kind in data.items()
            if kind is not None
        }
    )


def projects_query(parts: frozenset[Part], known: Known) -> str:
    """The query for `$paths`, their number `$first` and, where the tip is asked for, `$ref`."""
    push, merge = _levels_of("PushAccessLevel", known), _levels_of("MergeAccessLevel", known)
    texts = {
        Part.VARIABLES: f"ciVariables {{ nodes {{ {_fields_of('CiProjectVariable')} }} {_MORE} }}",
        Part.BRANCH_RULES: f"""branchRules {{ nodes {{ name branchProtection {{
          allowForcePush pushAccessLevels {{ {push} }} mergeAccessLevels {{ {merge} }}
        }} }} {_MORE} }}""",
        Part.TIP: "repository { tree(ref: $ref) { lastCommit { sha } } }",
    }
    asked = "\n".join(texts[part] for part in Part if part in parts)
    ref = ", $ref: String" if Part.TIP in parts else ""
    listed = f"projects(fullPaths: $paths, first: $first) {{ nodes {{ fullPath\n{asked}\n}} }}"
    return f"query($paths: [String!], $first: Int{ref}) {{ {listed} }}"


def trusted(answer: Json) -> Json | None:
    """The data of an answer, without the projects that an error is about; None where it is not told which those are.
    Errors tell it by their paths: `["projects", "nodes", 3, …]` (GraphQL specification, "Errors")."""
    data = answer.get("data")
    paths: list[Sequence[Any]] = [error.get("path") or () for error in answer.get("errors") or ()]
    if data is None or not paths:
        return cast(Json | None, data)
    if not all(list(path[:2]) == ["projects", "nodes"] and len(path) > 2 for path in paths):
        return None
    spoilt = {path[2] for path in paths}
    return {"projects": {"nodes": [node for place, node in enumerate(listed(data)) if place not in spoilt]}}


def listed(data: Json | None) -> Sequence[Json | None]:
    """The projects of an answer, None for one that is hidden. Those that are not there are left out."""
    nodes: Sequence[Json | None] = ((data or {}).get("projects") or {}).get("nodes") or ()
    return nodes


def read_variables(project: Json) -> list[Json] | None:
    """Rows as of "List project variables"."""
    nodes = _nodes(project.get("ciVariables"))
    if nodes is None or any(not _is_whole(node) for node in nodes):
        return None
    return [
        {
            **{name: node[name] for name in ("key", "value", "hidden", "masked", "protected", "raw", "description")},
            "environment_scope": node["environmentScope"],
        }
        for node in nodes
    ]


def read_branch_rules(project: Json) -> list[Json] | None:
    """Rows as of "List protected branches", where all levels are roles'. A rule for branches that are not protected is
    no protection; one that this token may not see is left out by GitLab without a word."""
    nodes = _nodes(project.get("branchRules"))
    if nodes is None:
        return None
    rows: list[Json] = []
    for node in nodes:
        protection = node.get("branchProtection")
        if protection is None:
            continue
        push, merge = (_read_levels(protection.get(name)) for name in ("pushAccessLevels", "mergeAccessLevels"))
        if push is None or merge is None:
            return None
        rows.append(
            {
                "name": node["name"],
                "push_access_levels": push,
                "merge_access_levels": merge,
                "allow_force_push": protection["allowForcePush"],
            }
        )
    names = [row["name"] for row in rows]
    return rows if len(names) == len(set(names)) else None


def read_tip(project: Json) -> str | None:
    """The commit: the last one of a branch's whole tree is its tip. None also where there is no branch."""
    found: Any = project
    for name in ("repository", "tree", "lastCommit", "sha"):
        found = (found or {}).get(name)
    return found if isinstance(found, str) and _COMMIT.fullmatch(found) else None


def _is_whole(node: Json) -> bool:
    """Whether a variable is shown with its value, unless it is hidden."""
    flags = [node.get(name) for name in ("hidden", "masked", "protected", "raw")]
    has_names = isinstance(node.get("key"), str) and isinstance(node.get("environmentScope"), str)
    return has_names and None not in flags and (node.get("value") is not None or bool(node["hidden"]))


def _read_levels(connection: Any) -> list[Json] | None:
    """At least one, for GitLab leaves out what it does not show."""
    nodes = _nodes(connection)
    if not nodes or any(
        any(node.get(name) for name in _HOLDERS) or _ROLES.get(node["accessLevel"]) != node["accessLevelDescription"]
        for node in nodes
    ):
        return None
    return [{"access_level": node["accessLevel"]} for node in nodes]


def _nodes(connection: Any) -> list[Json] | None:
    """The whole list; None where there is more than one page, or an entry is not shown."""
    if connection is None or connection["pageInfo"]["hasNextPage"]:
        return None
    nodes: list[Json | None] | None = connection.get("nodes")
    return None if nodes is None or None in nodes else [node for node in nodes if node is not None]


def _fields_of(name: str) -> str:
    return " ".join(sorted({field for needed in _NEEDED.values() for field in needed.get(name, ())}))


def _levels_of(name: str, known: Known) -> str:
    fields = known.fields.get(name, frozenset())
    holders = " ".join(f"{holder} {{ id }}" for holder in _HOLDERS if holder in fields)
    return f"nodes {{ accessLevel accessLevelDescription {holders} }} {_MORE}"
