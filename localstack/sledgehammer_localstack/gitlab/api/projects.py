"""Projects (Projects API). A deleted project is gone at once, unless the server delays that; GitLab answers the same
202 and takes a while."""

from sledgehammer_localstack.gitlab import present_projects
from sledgehammer_localstack.gitlab.access import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    OWNER,
    find_project,
    may_see,
    namespace_by_id,
    namespace_level,
    project_level,
    refusal,
)
from sledgehammer_localstack.gitlab.answers import (
    Json,
    Reply,
    bad_parameter,
    bad_request,
    created,
    not_found,
    unauthorized,
)
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import keyset_paged, paged
from sledgehammer_localstack.gitlab.parameters import Parameters
from sledgehammer_localstack.gitlab.people import PATH_RULE, is_path
from sledgehammer_localstack.gitlab.project_imports import demand_import_url, start_import
from sledgehammer_localstack.gitlab.project_life import add_readme, create_project, delete_project, mark_for_deletion
from sledgehammer_localstack.gitlab.project_settings import changed_settings
from sledgehammer_localstack.gitlab.records import Namespace, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import now

VISIBILITIES = ("private", "internal", "public")
ORDERS = ("id", "name", "path", "created_at", "updated_at", "last_activity_at", "star_count")


def listing(call: Call) -> Reply:
    """The projects that the caller may see, filtered and ordered."""
    found = _filtered(call, call.store.all(Project, "SELECT * FROM projects"))
    is_simple = call.params.flag("simple") or call.caller.is_anonymous

    def present(project: Project) -> Json:
        if is_simple:
            repository = present_projects.repository_of(call.services, project)
            return present_projects.project_simple(call.services, project, repository)
        return present_projects.project_with_access(call.services, project, call.caller)

    if call.params.text("pagination") == "keyset":
        return keyset_paged(call, found, present, key=lambda project: project.id)
    order = call.params.choice("order_by", ORDERS) or "created_at"
    descending = call.params.choice("sort", ("asc", "desc")) != "asc"
    found.sort(key=lambda project: (_order_key(project, order), project.id), reverse=descending)
    return paged(call, found, present)


def _order_key(project: Project, order: str) -> str:
    keys = {
        "name": project.name.lower(),
        "path": project.path.lower(),
        "updated_at": project.updated_at,
        "last_activity_at": project.last_activity_at,
        "id": "",
        "star_count": "",
    }
    return keys.get(order, project.created_at)


def _filtered(call: Call, projects: list[Project]) -> list[Project]:
    store, caller, params = call.store, call.caller, call.params
    projects = [one for one in projects if may_see(store, caller, one)]
    if params.flag("owned"):
        projects = [one for one in projects if _is_owned(call, one)]
    if params.flag("membership"):
        projects = [one for one in projects if _is_member(call, one)]
    if (level := params.number("min_access_level")) is not None:
        projects = [one for one in projects if project_level(store, caller, one) >= level]
    if (visibility := params.choice("visibility", VISIBILITIES)) is not None:
        projects = [one for one in projects if one.visibility == visibility]
    if (archived := params.flag("archived")) is not None:
        projects = [one for one in projects if one.archived == archived]
    if search := (params.text("search") or "").lower():
        in_path = params.flag("search_namespaces") or "/" in search
        projects = [
            one
            for one in projects
            if search in one.name.lower() or search in (one.full_path if in_path else one.path).lower()
        ]
    if topics := params.texts("topic"):
        projects = [one for one in projects if set(topics) <= set(one.topics)]
    if (after := params.number("id_after")) is not None:
        projects = [one for one in projects if one.id > after]
    if (before := params.number("id_before")) is not None:
        projects = [one for one in projects if one.id < before]
    return projects


def _is_owned(call: Call, project: Project) -> bool:
    user = call.caller.user
    if user is None:
        return False
    if not user.is_admin:
        return project_level(call.store, call.caller, project) >= OWNER
    namespace = namespace_by_id(call.store, project.namespace_id)
    return namespace.owner_id == user.id or _is_member(call, project)


def _is_member(call: Call, project: Project) -> bool:
    """An administrator sees all, but is a member of what they were made a member of."""
    user = call.caller.user
    if user is None:
        return False
    if not user.is_admin:
        return project_level(call.store, call.caller, project) >= GUEST
    namespace = namespace_by_id(call.store, project.namespace_id)
    query = (
        "SELECT count(*) FROM members m LEFT JOIN namespaces n ON n.id = m.namespace_id WHERE m.user_id = ?"
        " AND (m.project_id = ? OR ? = n.full_path OR ? LIKE n.full_path || '/%')"
    )
    path = namespace.full_path
    return namespace.owner_id == user.id or call.store.count(query, user.id, project.id, path, path) > 0


def show(call: Call) -> Reply:
    """One project."""
    project = find_project(call.store, call.caller, call.path["id"])
    if call.caller.is_anonymous:
        repository = present_projects.repository_of(call.services, project)
        return Reply(payload=present_projects.project_simple(call.services, project, repository))
    return Reply(payload=present_projects.project_with_access(call.services, project, call.caller))


def create(call: Call) -> Reply:
    """A project in the caller's own namespace or in `namespace_id`."""
    params, user = call.params, call.user
    name, path = params.text("name"), params.text("path")
    if not name and not path:
        raise bad_parameter("name, path are missing, at least one parameter must be provided")
    namespace = _target_namespace(call)
    if url := params.text("import_url"):
        demand_import_url(url)
    project = create_project(
        call.services,
        namespace=namespace,
        creator=user,
        name=name or path or "",
        path=path or _path_of(name or ""),
        description=params.text("description") or "",
        visibility=_visibility(params, "private", namespace),
        default_branch=params.text("default_branch") or "main",
        topics=params.texts("topics") or params.texts("tag_list") or (),
        settings=changed_settings("{}", params),
    )
    if url:
        start_import(call.services, project, url)
    if params.flag("initialize_with_readme"):
        add_readme(call.services, project, user)
    return created(present_projects.project_full(call.services, project))


def _target_namespace(call: Call) -> Namespace:
    wanted = call.params.number("namespace_id")
    if wanted is None:
        query = "SELECT * FROM namespaces WHERE kind = 'user' AND owner_id = ?"
        own = call.store.one(Namespace, query, call.user.id)
        if own is None:
            raise bad_request({"namespace": ["is not valid"]})
        return own
    namespace = call.store.one(Namespace, "SELECT * FROM namespaces WHERE id = ?", wanted)
    if namespace is None or namespace_level(call.store, call.caller, namespace) < DEVELOPER:
        raise bad_request({"namespace": ["is not valid"]})
    return namespace


def _visibility(params: Parameters, default: str, namespace: Namespace) -> str:
    wanted = params.choice("visibility", VISIBILITIES) or default
    if namespace.kind == "group" and VISIBILITIES.index(wanted) > VISIBILITIES.index(namespace.visibility):
        sentence = f"{wanted} is not allowed in a {namespace.visibility} group."
        raise bad_request({"visibility_level": [sentence]})
    return wanted


def _path_of(name: str) -> str:
    """A path from a name: lower case, what no path may hold becomes a dash."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_.") else "-" for letter in name)
    return "-".join(part for part in kept.lower().split("-") if part)


def update(call: Call) -> Reply:
    """Change a project's attributes and settings."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    params, store = call.params, call.store
    path = params.text("path") or project.path
    namespace = namespace_by_id(store, project.namespace_id)
    visibility = _visibility(params, project.visibility, namespace)
    is_owner = project_level(store, call.caller, project) >= OWNER
    if (path != project.path or visibility != project.visibility) and not is_owner:
        raise refusal(call.caller)
    if not is_path(path):
        raise bad_request({"path": [PATH_RULE]})
    full_path = f"{namespace.full_path}/{path}"
    if full_path != project.full_path and store.count("SELECT count(*) FROM projects WHERE full_path = ?", full_path):
        raise bad_request({"path": ["has already been taken"]})
    default_branch = params.text("default_branch") or project.default_branch
    _move_head(call, project, default_branch)
    topics = params.texts("topics") if params.has("topics") else project.topics
    store.update(
        "projects",
        project.id,
        name=params.text("name") or project.name,
        path=path,
        full_path=full_path,
        description=params.text("description") if params.has("description") else project.description,
        visibility=visibility,
        default_branch=default_branch,
        topics=topics or (),
        settings=changed_settings(project.settings, params),
        updated_at=now(),
    )
    changed = find_project(store, call.caller, str(project.id))
    return Reply(payload=present_projects.project_full(call.services, changed))


def _move_head(call: Call, project: Project, default_branch: str) -> None:
    if default_branch == project.default_branch:
        return
    repository = present_projects.repository_of(call.services, project)
    if not repository.is_empty() and repository.branch_sha(default_branch) is None:
        sentence = (
            f"Could not set the default branch. Do you have a branch named '{default_branch}' in your repository?"
        )
        raise bad_request({"base": [sentence]})
    repository.git_checked("symbolic-ref", "HEAD", f"refs/heads/{default_branch}")


def delete(call: Call) -> Reply:
    """Remove a project with its repository, pipelines, variables and tokens, or mark it for that."""
    project = find_project(call.store, call.caller, call.path["id"], level=OWNER)
    if call.services.settings.delays_deletion:
        mark_for_deletion(call.store, project)
    else:
        delete_project(call.services, project)
    return Reply(status=202, payload={"message": "202 Accepted"})


def archive(call: Call) -> Reply:
    """Make read-only."""
    return _set_archived(call, archived=True)


def unarchive(call: Call) -> Reply:
    """Make writable again."""
    return _set_archived(call, archived=False)


def _set_archived(call: Call, *, archived: bool) -> Reply:
    project = find_project(call.store, call.caller, call.path["id"], level=OWNER)
    call.store.update("projects", project.id, archived=archived, updated_at=now())
    changed = find_project(call.store, call.caller, str(project.id))
    return created(present_projects.project_full(call.services, changed))


def of_user(call: Call) -> Reply:
    """The projects in a user's own namespace."""
    key = call.path["user_id"]
    query = "SELECT n.* FROM namespaces n WHERE n.kind = 'user' AND (n.owner_id = ? OR n.path = ?)"
    namespace = call.store.one(Namespace, query, key if key.isdigit() else 0, key)
    if namespace is None:
        raise not_found("User")
    if call.caller.is_anonymous:
        raise unauthorized()
    query = "SELECT * FROM projects WHERE namespace_id = ? ORDER BY id DESC"
    found = _filtered(call, call.store.all(Project, query, namespace.id))
    return paged(call, found, lambda one: present_projects.project_full(call.services, one))


ROUTES: tuple[Route, ...] = (
    reads("/api/v4/projects", listing),
    writes("POST", "/api/v4/projects", create),
    reads("/api/v4/projects/{id}", show),
    writes("PUT", "/api/v4/projects/{id}", update),
    writes("DELETE", "/api/v4/projects/{id}", delete),
    writes("POST", "/api/v4/projects/{id}/archive", archive),
    writes("POST", "/api/v4/projects/{id}/unarchive", unarchive),
    reads("/api/v4/users/{user_id}/projects", of_user),
)
