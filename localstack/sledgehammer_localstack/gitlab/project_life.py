"""Projects come, move and go: rows and repositories together."""

import json
import shutil
import sqlite3

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.access import MAINTAINER
from sledgehammer_localstack.gitlab.answers import bad_request
from sledgehammer_localstack.gitlab.git.committing import Authorship, FileAction, commit_actions, make_repository
from sledgehammer_localstack.gitlab.git.hooks import hooks_dir
from sledgehammer_localstack.gitlab.people import PATH_RULE, is_path
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import MARKED, is_marked_for_deletion
from sledgehammer_localstack.gitlab.records import Namespace, Project, User
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store, Value


def create_project(
    services: Services,
    *,
    namespace: Namespace,
    creator: User,
    name: str,
    path: str,
    description: str,
    visibility: str,
    default_branch: str,
    topics: tuple[str, ...],
    settings: str,
) -> Project:
    """A project with an empty repository. 400 where the path is none or taken."""
    if not is_path(path):
        raise bad_request({"path": [PATH_RULE]})
    columns: dict[str, Value] = {
        "namespace_id": namespace.id,
        "name": name,
        "path": path,
        "full_path": f"{namespace.full_path}/{path}",
        "description": description,
        "visibility": visibility,
        "default_branch": default_branch,
        "creator_id": creator.id,
        "topics": topics,
        "settings": settings,
    }
    with services.store.transaction():
        row = _insert(services.store, columns)
        target = services.repositories_dir / f"{row}.git"
        hooks = hooks_dir(services.settings.state_dir)
        make_repository(target, services.processes, default_branch=default_branch, hooks=hooks)
    made = services.store.one(Project, "SELECT * FROM projects WHERE id = ?", row)
    assert made is not None  # noqa: S101 - inserted above
    return made


def _insert(store: Store, columns: dict[str, Value]) -> int:
    """The new project's id. 400 where a project or group has its path."""
    taken = bad_request({key: ["has already been taken"] for key in ("project_namespace.name", "name", "path")})
    if store.count("SELECT count(*) FROM namespaces WHERE full_path = ?", columns["full_path"]):
        raise taken
    store.texts("DELETE FROM redirects WHERE full_path = ?", columns["full_path"])
    moment = timestamps.now()
    times: dict[str, Value] = {"created_at": moment, "updated_at": moment, "last_activity_at": moment}
    try:
        return store.insert("projects", archived=False, **times, **columns)
    except sqlite3.IntegrityError:
        raise taken from None


def add_readme(services: Services, project: Project, author: User) -> None:
    """The first commit of a project made with `initialize_with_readme`."""
    commit_actions(
        repository_of(services, project),
        branch=project.default_branch,
        parent=None,
        message="Initial commit",
        actions=[FileAction(action="create", path="README.md", content=f"# {project.name}\n".encode())],
        authorship=authorship(author),
    )
    protect_branch(services.store, project.id, project.default_branch)


def authorship(user: User) -> Authorship:
    """A user as author and committer."""
    return Authorship(
        author_name=user.name, author_email=user.email, committer_name=user.name, committer_email=user.email
    )


def protect_branch(store: Store, project_id: int, branch: str) -> None:
    """What GitLab does to the default branch at the first push: maintainers push and merge, nobody forces."""
    store.insert(
        "protected_branches",
        project_id=project_id,
        name=branch,
        push_level=MAINTAINER,
        merge_level=MAINTAINER,
        allow_force_push=False,
    )


def move_paths(store: Store, old: str, new: str) -> None:
    """Give everything at or below a full path its new one. 400 where that is taken."""
    for table in ("namespaces", "projects"):
        query = f"UPDATE {table} SET full_path = ? || substr(full_path, ?) WHERE full_path = ? OR full_path LIKE ?"  # noqa: S608 - two names
        try:
            store.texts(query, new, len(old) + 1, old, f"{old}/%")
        except sqlite3.IntegrityError:
            raise bad_request({"path": ["has already been taken"]}) from None


def mark_for_deletion(store: Store, project: Project) -> None:
    """Give a project another name and path, from which its old one leads to it. 400 for one that is marked already."""
    if is_marked_for_deletion(project):
        raise bad_request("Project has been already marked for deletion")
    suffix, settings = f"-deletion_scheduled-{project.id}", json.loads(project.settings)
    moved = {key: f"{getattr(project, key)}{suffix}" for key in ("name", "path", "full_path")}
    today = timestamps.now()[:10]
    with store.transaction():
        store.update("projects", project.id, **moved, settings=json.dumps({**settings, MARKED: today}))
        store.insert("redirects", full_path=project.full_path, project_id=project.id)


def delete_project(services: Services, project: Project) -> None:
    """Remove a project's rows and files."""
    jobs = services.store.texts("SELECT id FROM jobs WHERE project_id = ?", project.id)
    services.store.delete("projects", project.id)
    delete_project_files(services, project)
    for job_id in jobs:
        shutil.rmtree(services.job_dir(int(job_id)), ignore_errors=True)


def delete_project_files(services: Services, project: Project) -> None:
    """Remove a project's repository."""
    shutil.rmtree(services.repositories_dir / f"{project.id}.git", ignore_errors=True)
