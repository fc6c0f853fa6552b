"""Groups, their members and namespaces (Groups API, Members API, Namespaces API)."""

from sledgehammer_localstack.gitlab import present_people, present_projects
from sledgehammer_localstack.gitlab.access import (
    GUEST,
    MAINTAINER,
    OWNER,
    find_group,
    may_see,
    may_see_group,
    namespace_level,
)
from sledgehammer_localstack.gitlab.answers import Reply, bad_request, created, not_found
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.people import PATH_RULE, create_namespace, is_path
from sledgehammer_localstack.gitlab.project_life import delete_project_files, move_paths
from sledgehammer_localstack.gitlab.records import Namespace, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import now

VISIBILITIES = ("private", "internal", "public")


def listing(call: Call) -> Reply:
    """The groups that the caller may see."""
    query = "SELECT * FROM namespaces WHERE kind = 'group' ORDER BY name, id"
    return _groups(call, call.store.all(Namespace, query))


def subgroups(call: Call) -> Reply:
    """The groups directly inside one."""
    group = find_group(call.store, call.caller, call.path["id"])
    query = "SELECT * FROM namespaces WHERE parent_id = ? ORDER BY name, id"
    return _groups(call, call.store.all(Namespace, query, group.id))


def _groups(call: Call, groups: list[Namespace]) -> Reply:
    groups = [group for group in groups if may_see_group(call.store, call.caller, group)]
    if search := (call.params.text("search") or "").lower():
        groups = [group for group in groups if search in group.name.lower() or search in group.full_path.lower()]
    if call.params.flag("owned"):
        groups = [group for group in groups if namespace_level(call.store, call.caller, group) >= OWNER]
    if call.params.flag("top_level_only"):
        groups = [group for group in groups if group.parent_id is None]
    return paged(call, groups, lambda group: present_people.group(call.services, group))


def show(call: Call) -> Reply:
    """One group."""
    group = find_group(call.store, call.caller, call.path["id"])
    payload = present_people.group(call.services, group)
    if call.params.flag("with_projects") is not False:
        projects = _projects_of(call, group, include_subgroups=False)
        payload["projects"] = [present_projects.project_full(call.services, one) for one in projects]
        payload["shared_projects"] = []
    return Reply(payload={**payload, "shared_with_groups": []})


def create(call: Call) -> Reply:
    """A group, its maker the owner."""
    params, user = call.params, call.user
    name, path = params.required("name"), params.required("path")
    parent = None
    if params.number("parent_id") is not None:
        parent = find_group(call.store, call.caller, str(params.number("parent_id")), level=MAINTAINER)
    visibility = params.choice("visibility", VISIBILITIES) or (parent.visibility if parent else "private")
    with call.store.transaction():
        group = create_namespace(
            call.store,
            kind="group",
            name=name,
            path=path,
            parent=parent,
            visibility=visibility,
            description=params.text("description") or "",
        )
        if parent is None:
            call.store.insert("members", user_id=user.id, namespace_id=group.id, access_level=OWNER, created_at=now())
    return created(present_people.group(call.services, group))


def update(call: Call) -> Reply:
    """Change name, path, description or visibility; a new path moves all that lies below."""
    group = find_group(call.store, call.caller, call.path["id"], level=OWNER)
    params = call.params
    path = params.text("path") or group.path
    if not is_path(path):
        raise bad_request({"path": [PATH_RULE]})
    with call.store.transaction():
        call.store.update(
            "namespaces",
            group.id,
            name=params.text("name") or group.name,
            path=path,
            description=params.text("description") if params.has("description") else group.description,
            visibility=params.choice("visibility", VISIBILITIES) or group.visibility,
        )
        if path != group.path:
            parent, _, _ = group.full_path.rpartition("/")
            move_paths(call.store, group.full_path, f"{parent}/{path}" if parent else path)
    return Reply(payload=present_people.group(call.services, find_group(call.store, call.caller, str(group.id))))


def delete(call: Call) -> Reply:
    """Remove a group with everything in it, at once (GitLab takes a while or keeps it for some days)."""
    group = find_group(call.store, call.caller, call.path["id"], level=OWNER)
    projects = _projects_of(call, group, include_subgroups=True)
    call.store.delete("namespaces", group.id)
    for project in projects:
        delete_project_files(call.services, project)
    return Reply(status=202, payload={"message": "202 Accepted"})


def projects(call: Call) -> Reply:
    """The projects of a group."""
    group = find_group(call.store, call.caller, call.path["id"])
    found = _projects_of(call, group, include_subgroups=bool(call.params.flag("include_subgroups")))
    if search := (call.params.text("search") or "").lower():
        found = [one for one in found if search in one.name.lower() or search in one.path.lower()]
    if (archived := call.params.flag("archived")) is not None:
        found = [one for one in found if one.archived == archived]
    if call.params.flag("simple"):
        return paged(
            call,
            found,
            lambda one: present_projects.project_simple(
                call.services, one, present_projects.repository_of(call.services, one)
            ),
        )
    return paged(call, found, lambda one: present_projects.project_full(call.services, one))


def _projects_of(call: Call, group: Namespace, *, include_subgroups: bool) -> list[Project]:
    if include_subgroups:
        query = "SELECT * FROM projects WHERE full_path LIKE ? ORDER BY id DESC"
        found = call.store.all(Project, query, f"{group.full_path}/%")
    else:
        query = "SELECT * FROM projects WHERE namespace_id = ? ORDER BY id DESC"
        found = call.store.all(Project, query, group.id)
    return [one for one in found if may_see(call.store, call.caller, one)]


def namespaces(call: Call) -> Reply:
    """The namespaces that the caller can put projects into."""
    found = call.store.all(Namespace, "SELECT * FROM namespaces ORDER BY full_path")
    user = call.user
    found = [one for one in found if user.is_admin or namespace_level(call.store, call.caller, one) >= GUEST]
    if search := (call.params.text("search") or "").lower():
        found = [one for one in found if search in one.full_path.lower()]
    return paged(call, found, lambda one: present_people.namespace(call.services, one))


def namespace(call: Call) -> Reply:
    """One namespace by id or full path."""
    key = call.path["id"]
    column = "id" if key.isdigit() else "full_path"
    found = call.store.one(Namespace, f"SELECT * FROM namespaces WHERE {column} = ?", key)  # noqa: S608 - two names
    if found is None or (not call.user.is_admin and namespace_level(call.store, call.caller, found) < GUEST):
        raise not_found("Namespace")
    return Reply(payload=present_people.namespace(call.services, found))


ROUTES: tuple[Route, ...] = (
    reads("/api/v4/groups", listing),
    writes("POST", "/api/v4/groups", create),
    reads("/api/v4/groups/{id}", show),
    writes("PUT", "/api/v4/groups/{id}", update),
    writes("DELETE", "/api/v4/groups/{id}", delete),
    reads("/api/v4/groups/{id}/subgroups", subgroups),
    reads("/api/v4/groups/{id}/projects", projects),
    reads("/api/v4/namespaces", namespaces),
    reads("/api/v4/namespaces/{id}", namespace),
)
