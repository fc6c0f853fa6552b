"""Projects, branches, commits and files as GitLab's JSON."""

from sledgehammer_localstack.gitlab.access import (
    DEVELOPER,
    GUEST,
    MAINTAINER,
    namespace_by_id,
    namespace_level,
    user_by_id,
)
from sledgehammer_localstack.gitlab.answers import Json
from sledgehammer_localstack.gitlab.git.repository import FileChange, GitCommit, Repository, TreeEntry
from sledgehammer_localstack.gitlab.identity import Caller
from sledgehammer_localstack.gitlab.present_people import name_with_namespace, namespace_basic, user_basic
from sledgehammer_localstack.gitlab.project_settings import shown_settings
from sledgehammer_localstack.gitlab.records import Member, Project, ProtectedBranch, ProtectedTag
from sledgehammer_localstack.gitlab.services import Services

JsonObject = dict[str, Json]
LEVEL_NAMES = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers", 60: "Administrators"}


def repository_of(services: Services, project: Project) -> Repository:
    """The bare repository of a project."""
    return Repository(services.repositories_dir / f"{project.id}.git", services.processes)


def project_simple(services: Services, project: Project, repository: Repository) -> JsonObject:
    """A project in lists with `simple`, and for anonymous callers."""
    namespace = namespace_by_id(services.store, project.namespace_id)
    web_url = f"{services.url}/{project.full_path}"
    host = services.url.split("://", 1)[1].rsplit(":", 1)[0]
    is_empty = repository.is_empty()
    readme = None if is_empty else repository.entry(project.default_branch, "README.md")
    return {
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": name_with_namespace(services, project.namespace_id, project.name),
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": project.created_at,
        "default_branch": None if is_empty else project.default_branch,
        "tag_list": list(project.topics),
        "topics": list(project.topics),
        "ssh_url_to_repo": f"git@{host}:{project.full_path}.git",
        "http_url_to_repo": f"{web_url}.git",
        "web_url": web_url,
        "readme_url": f"{web_url}/-/blob/{project.default_branch}/README.md" if readme else None,
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": project.last_activity_at,
        "namespace": namespace_basic(services, namespace),
    }


def project_full(services: Services, project: Project) -> JsonObject:
    """A project with its settings."""
    repository = repository_of(services, project)
    namespace = namespace_by_id(services.store, project.namespace_id)
    base = f"{services.url}/api/v4/projects/{project.id}"
    query = "SELECT status FROM imports WHERE project_id = ?"
    shown: JsonObject = {
        **project_simple(services, project, repository),
        "container_registry_image_prefix": f"{services.settings.registry_address}/{project.full_path.lower()}",
        "_links": {
            "self": base,
            "repo_branches": f"{base}/repository/branches",
            "members": f"{base}/members",
        },
        "empty_repo": repository.is_empty(),
        "archived": project.archived,
        "visibility": project.visibility,
        "creator_id": project.creator_id,
        "updated_at": project.updated_at,
        "import_status": (services.store.texts(query, project.id) or ["none"])[0],
        "open_issues_count": 0,
        "shared_with_groups": [],
        **shown_settings(project),
    }
    if namespace.kind == "user" and namespace.owner_id is not None:
        shown["owner"] = user_basic(services, user_by_id(services.store, namespace.owner_id))
    return shown


def project_with_access(services: Services, project: Project, caller: Caller) -> JsonObject:
    """A project with what the caller may do there."""
    store = services.store
    project_access: Json = None
    group_access: Json = None
    if caller.user is not None:
        query = "SELECT * FROM members WHERE user_id = ? AND project_id = ?"
        direct = store.one(Member, query, caller.user.id, project.id)
        namespace = namespace_by_id(store, project.namespace_id)
        if direct is not None:
            project_access = {"access_level": direct.access_level, "notification_level": 3}
        if namespace.kind == "group" and (level := namespace_level(store, caller, namespace)) >= GUEST:
            group_access = {"access_level": level, "notification_level": 3}
    permissions: Json = {"project_access": project_access, "group_access": group_access}
    return {**project_full(services, project), "permissions": permissions}


def commit(services: Services, project: Project, one: GitCommit) -> JsonObject:
    """A commit in lists and inside branches."""
    return {
        "id": one.sha,
        "short_id": one.sha[:8],
        "created_at": one.committed_at,
        "parent_ids": list(one.parents),
        "title": one.title,
        "message": one.message,
        "author_name": one.author_name,
        "author_email": one.author_email,
        "authored_date": one.authored_at,
        "committer_name": one.committer_name,
        "committer_email": one.committer_email,
        "committed_date": one.committed_at,
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{services.url}/{project.full_path}/-/commit/{one.sha}",
    }


def branch(
    services: Services, project: Project, name: str, head: GitCommit, *, protection: ProtectedBranch | None, level: int
) -> JsonObject:
    """A branch; `level` is the caller's in the project."""
    needed = protection.push_level if protection else DEVELOPER
    return {
        "name": name,
        "commit": commit(services, project, head),
        "merged": False,
        "protected": protection is not None,
        "developers_can_push": protection is not None and 0 < protection.push_level <= DEVELOPER,
        "developers_can_merge": protection is not None and 0 < protection.merge_level <= DEVELOPER,
        "can_push": 0 < needed <= level,
        "default": name == project.default_branch,
        "web_url": f"{services.url}/{project.full_path}/-/tree/{name}",
    }


def protected_branch(one: ProtectedBranch) -> JsonObject:
    """A protected branch with its levels."""
    return {
        "id": one.id,
        "name": one.name,
        "push_access_levels": [_level(one.id, one.push_level)],
        "merge_access_levels": [_level(one.id, one.merge_level)],
        "allow_force_push": one.allow_force_push,
    }


def protected_tag(one: ProtectedTag) -> JsonObject:
    """A protected tag with its level."""
    return {"name": one.name, "create_access_levels": [_level(one.id, one.create_level)]}


def _level(row_id: int, level: int) -> Json:
    name = LEVEL_NAMES.get(level, LEVEL_NAMES[MAINTAINER])
    return {"id": row_id, "access_level": level, "access_level_description": name, "deploy_key_id": None}


def tree_entry(one: TreeEntry) -> JsonObject:
    """A file or directory of a tree."""
    name = one.path.rsplit("/", 1)[-1]
    return {"id": one.sha, "name": name, "type": one.kind, "path": one.path, "mode": one.mode}


def diff(change: FileChange) -> JsonObject:
    """One file's part of a diff."""
    return {
        "diff": change.patch,
        "new_path": change.new_path,
        "old_path": change.old_path,
        "a_mode": change.old_mode,
        "b_mode": change.new_mode,
        "new_file": change.status == "A",
        "renamed_file": change.status == "R",
        "deleted_file": change.status == "D",
        "generated_file": None,
    }
