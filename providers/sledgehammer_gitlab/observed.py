"""GitLab's objects as this package reads them, parsed at the edge."""

from dataclasses import dataclass

from sledgehammer.secret import Secret
from sledgehammer_gitlab.api import Api, Json, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A group or a person's own namespace, which `is_personal` tells."""

    id: int
    path: str
    is_personal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedProject:
    """A project as it is. `path` is where it is now: GitLab redirects requests for its former paths."""

    path: str
    visibility: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedVariable:
    """A CI/CD variable as it is; `value` None is hidden, which GitLab never shows again."""

    key: str
    environment_scope: str
    value: Secret | None
    masked: bool
    protected: bool
    raw: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All that a plan compares. Without a project, `namespace` is the deepest one that exists on its path."""

    namespace: Namespace | None
    project: ObservedProject | None
    variables: tuple[ObservedVariable, ...]
    tip: str  # commit of the branch, "" when there is none


def project_path(path: str) -> str:
    """A project's API path."""
    return f"/projects/{encode(path)}"


def observe(api: Api, path: str, *, branch: str) -> Observed:
    """Read what is there: three requests for a project that exists."""
    found = api.find(project_path(path))
    if found is None:
        return Observed(namespace=_deepest_namespace(api, path), project=None, variables=(), tip="")
    variables = api.get_list(f"{project_path(path)}/variables")
    return Observed(
        namespace=None,
        project=parse_project(found),
        variables=tuple(_parse_variable(row) for row in variables),
        tip=read_tip(api, path, branch=branch),
    )


def read_tip(api: Api, path: str, *, branch: str) -> str:
    """The commit that a branch points to, "" when there is no such branch."""
    found = api.find(f"{project_path(path)}/repository/branches/{encode(branch)}")
    return "" if found is None else str(found["commit"]["id"])


def find_namespace(api: Api, path: str) -> Namespace | None:
    """The namespace of that full path, or None."""
    found = api.find(f"/namespaces/{encode(path)}")
    if found is None:
        return None
    return Namespace(id=found["id"], path=found["full_path"], is_personal=found["kind"] == "user")


def parse_project(row: Json) -> ObservedProject:
    """A project's row."""
    return ObservedProject(path=row["path_with_namespace"], visibility=row["visibility"], url=row["web_url"])


def _deepest_namespace(api: Api, path: str) -> Namespace | None:
    segments = path.split("/")[:-1]
    for length in range(len(segments), 0, -1):
        found = find_namespace(api, "/".join(segments[:length]))
        if found is not None:
            return found
    return None


def _parse_variable(row: Json) -> ObservedVariable:
    return ObservedVariable(
        key=row["key"],
        environment_scope=row.get("environment_scope", "*"),
        value=None if row["value"] is None else Secret(row["value"], source="GitLab"),
        masked=row["masked"],
        protected=row["protected"],
        raw=row["raw"],
        description=row.get("description") or "",
    )
