"""What a caller may see and do: access levels, and finding groups and projects so that hidden ones are 404."""

from sledgehammer_localstack.gitlab.answers import ApiError, forbidden, not_found
from sledgehammer_localstack.gitlab.identity import Caller
from sledgehammer_localstack.gitlab.records import AccessToken, Member, Namespace, Project, User
from sledgehammer_localstack.gitlab.store import Store

NO_ACCESS, GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 0, 10, 20, 30, 40, 50
LEVELS = (GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER)
LEVEL_CHOICES = (NO_ACCESS, DEVELOPER, MAINTAINER, 60)
"""Of protected branches and tags; 60 is an administrator."""


def namespace_by_id(store: Store, namespace_id: int) -> Namespace:
    """A namespace that is known to exist."""
    found = store.one(Namespace, "SELECT * FROM namespaces WHERE id = ?", namespace_id)
    if found is None:
        raise not_found("Namespace")
    return found


def ancestors(store: Store, namespace: Namespace) -> list[Namespace]:
    """The namespace itself, its parent, and so on up."""
    chain = [namespace]
    while chain[-1].parent_id is not None:
        chain.append(namespace_by_id(store, chain[-1].parent_id))
    return chain


def namespace_level(store: Store, caller: Caller, namespace: Namespace) -> int:
    """The caller's access level in a namespace, inherited from its ancestors."""
    user = caller.user
    if user is None:
        return NO_ACCESS
    chain = ancestors(store, namespace)
    if caller.token is not None and not _token_reaches(caller.token, None, chain):
        return NO_ACCESS
    if user.is_admin:
        return OWNER
    levels = [OWNER for one in chain if one.kind == "user" and one.owner_id == user.id]
    levels += [
        member.access_level
        for one in chain
        for member in store.all(Member, "SELECT * FROM members WHERE user_id = ? AND namespace_id = ?", user.id, one.id)
    ]
    return max(levels, default=NO_ACCESS)


def project_level(store: Store, caller: Caller, project: Project) -> int:
    """The caller's access level in a project; a running job has its user's, in its own project alone."""
    user = caller.user
    if user is None or (caller.job is not None and caller.job.project_id != project.id):
        return NO_ACCESS
    namespace = namespace_by_id(store, project.namespace_id)
    if caller.token is not None and not _token_reaches(caller.token, project, ancestors(store, namespace)):
        return NO_ACCESS
    query = "SELECT * FROM members WHERE user_id = ? AND project_id = ?"
    direct = store.one(Member, query, user.id, project.id)
    return max(direct.access_level if direct else NO_ACCESS, namespace_level(store, caller, namespace))


def _token_reaches(token: AccessToken, project: Project | None, chain: list[Namespace]) -> bool:
    """Project and group access tokens count inside their project or group alone."""
    if token.project_id is not None:
        return project is not None and project.id == token.project_id
    return token.namespace_id is None or any(one.id == token.namespace_id for one in chain)


def may_see(store: Store, caller: Caller, project: Project) -> bool:
    """Whether the project exists for this caller."""
    if project.visibility == "public" or (project.visibility == "internal" and caller.user is not None):
        return True
    return project_level(store, caller, project) >= GUEST


def may_see_group(store: Store, caller: Caller, group: Namespace) -> bool:
    """Whether the group exists for this caller."""
    if group.visibility == "public" or (group.visibility == "internal" and caller.user is not None):
        return True
    if namespace_level(store, caller, group) >= GUEST:
        return True
    if caller.user is None:
        return False
    query = (
        "SELECT count(*) FROM members m JOIN projects p ON p.id = m.project_id"
        " WHERE m.user_id = ? AND p.full_path LIKE ?"
    )
    return store.count(query, caller.user.id, f"{group.full_path}/%") > 0


def find_project(store: Store, caller: Caller, id_or_path: str, *, level: int = NO_ACCESS) -> Project:
    """The project with this id or full path. 404 when it is not there or hidden; 403 below `level`."""
    project = project_by_id_or_path(store, id_or_path)
    if project is None or not may_see(store, caller, project):
        raise not_found("Project")
    if level and project_level(store, caller, project) < level:
        raise refusal(caller)
    return project


def project_by_id_or_path(store: Store, id_or_path: str) -> Project | None:
    """The project whoever asks; also by a path that it had before it was marked for deletion."""
    if id_or_path.isdigit():
        return store.one(Project, "SELECT * FROM projects WHERE id = ?", int(id_or_path))
    query = "SELECT p.* FROM projects p JOIN redirects r ON r.project_id = p.id WHERE r.full_path = ?"
    here = store.one(Project, "SELECT * FROM projects WHERE full_path = ?", id_or_path)
    return here or store.one(Project, query, id_or_path)


def find_group(store: Store, caller: Caller, id_or_path: str, *, level: int = NO_ACCESS) -> Namespace:
    """The group with this id or full path, as `find_project`."""
    if id_or_path.isdigit():
        query = "SELECT * FROM namespaces WHERE kind = 'group' AND id = ?"
        group = store.one(Namespace, query, int(id_or_path))
    else:
        query = "SELECT * FROM namespaces WHERE kind = 'group' AND full_path = ?"
        group = store.one(Namespace, query, id_or_path)
    if group is None or not may_see_group(store, caller, group):
        raise not_found("Group")
    if level and namespace_level(store, caller, group) < level:
        raise refusal(caller)
    return group


def refusal(caller: Caller) -> ApiError:
    """401 for nobody, 403 for somebody."""
    return ApiError(401, {"message": "401 Unauthorized"}) if caller.is_anonymous else forbidden()


def user_by_id(store: Store, user_id: int) -> User:
    """A user that is known to exist."""
    found = store.one(User, "SELECT * FROM users WHERE id = ?", user_id)
    if found is None:
        raise not_found("User")
    return found
