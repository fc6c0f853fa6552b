"""Where GitLab's objects are, and the few that are read one by one."""

from dataclasses import dataclass

from sledgehammer_gitlab.api import Api, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A group or a person's own namespace, which `is_personal` tells."""

    id: int
    path: str
    is_personal: bool


def project_path(path: str) -> str:
    """A project's API path."""
    return f"/projects/{encode(path)}"


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
