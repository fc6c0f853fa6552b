"""Where GitLab's objects are, and the few that are read one by one."""

from dataclasses import dataclass

from sledgehammer_gitlab.api import Api, Json, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A group or a person's own namespace, which `is_personal` tells."""

    id: int
    path: str
    is_personal: bool


def project_path(path: str) -> str:
    """A project's API path."""
    return f"/projects/{encode(path)}"


def find_project(api: Api, path: str) -> Json | None:
    """The project, or None.

    GitLab leads from a path that a project once had to where it is now. One that is marked for deletion gets another
    path at once (since 18), so that its old one is free.
    """
    row = api.find(project_path(path))
    has_moved = row is not None and row["path_with_namespace"].lower() != path.lower()
    return None if row is not None and has_moved and is_leaving(row) else row


def is_leaving(row: Json) -> bool:
    """Whether a project is marked for deletion (Projects API, "Delete a project")."""
    return bool(row.get("marked_for_deletion_on"))


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
