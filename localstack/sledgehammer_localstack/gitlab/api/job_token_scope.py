"""Which projects' job tokens reach a project, one by one and by their groups (CI/CD job token scope API). The lists are
kept and shown; job tokens of this server reach their own project alone."""

import json
import sqlite3

from sledgehammer_localstack.gitlab.access import MAINTAINER, find_group, find_project
from sledgehammer_localstack.gitlab.answers import Json, Reply, bad_request, created, no_content, not_found
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.present_projects import project_simple, repository_of
from sledgehammer_localstack.gitlab.project_settings import JOB_SCOPE
from sledgehammer_localstack.gitlab.records import Namespace, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes


def _project(call: Call) -> Project:
    return find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)


def show(call: Call) -> Reply:
    """Whether the list counts."""
    is_limited = json.loads(_project(call).settings).get(JOB_SCOPE, True)
    return Reply(payload={"inbound_enabled": is_limited, "outbound_enabled": False})


def switch(call: Call) -> Reply:
    """Let the list count, or let every project in."""
    project = _project(call)
    settings = {**json.loads(project.settings), JOB_SCOPE: bool(call.params.flag("enabled"))}
    call.store.update("projects", project.id, settings=json.dumps(settings))
    return no_content()


def listing(call: Call) -> Reply:
    """The projects on the list, the project itself first."""
    project = _project(call)
    joined = "projects p JOIN job_token_allowlist a ON a.target_id = p.id"
    query = f"SELECT p.* FROM {joined} WHERE a.project_id = ? ORDER BY a.id"  # noqa: S608 - our own words
    return paged(call, [project, *call.store.all(Project, query, project.id)], lambda one: _present(call, one))


def _present(call: Call, project: Project) -> Json:
    return project_simple(call.services, project, repository_of(call.services, project))


def add(call: Call) -> Reply:
    """Put a project on the list."""
    project = _project(call)
    target = find_project(call.store, call.caller, call.params.required("target_project_id"))
    if target.id == project.id:
        raise bad_request("Validation failed: Target project can't be the same as the source project")
    try:
        call.store.insert("job_token_allowlist", project_id=project.id, target_id=target.id)
    except sqlite3.IntegrityError:
        raise bad_request("Target project is already in the job token scope") from None
    return created(_present(call, target))


def remove(call: Call) -> Reply:
    """Take a project off the list."""
    return _remove(call, "job_token_allowlist", call.path["target_project_id"])


def groups(call: Call) -> Reply:
    """The groups on the list."""
    joined = "namespaces n JOIN job_token_groups a ON a.target_id = n.id"
    query = f"SELECT n.* FROM {joined} WHERE a.project_id = ? ORDER BY a.id"  # noqa: S608 - our own words
    found = call.store.all(Namespace, query, _project(call).id)
    return paged(call, found, lambda one: _present_group(call, one))


def add_group(call: Call) -> Reply:
    """Put a group on the list."""
    project = _project(call)
    target = find_group(call.store, call.caller, call.params.required("target_group_id"))
    try:
        call.store.insert("job_token_groups", project_id=project.id, target_id=target.id)
    except sqlite3.IntegrityError:
        raise bad_request("Target group is already in the job token scope") from None
    return created(_present_group(call, target))


def remove_group(call: Call) -> Reply:
    """Take a group off the list."""
    return _remove(call, "job_token_groups", call.path["target_group_id"])


def _present_group(call: Call, group: Namespace) -> Json:
    return {"id": group.id, "web_url": f"{call.services.url}/groups/{group.full_path}", "name": group.name}


def _remove(call: Call, table: str, target: str) -> Reply:
    query = f"SELECT id FROM {table} WHERE project_id = ? AND target_id = ?"  # noqa: S608 - our own words
    row = call.store.count(query, _project(call).id, int(target) if target.isdigit() else 0)
    if not row:
        raise not_found()
    call.store.delete(table, row)
    return no_content()


_P = "/api/v4/projects/{id}/job_token_scope"
ROUTES: tuple[Route, ...] = (
    reads(_P, show),
    writes("PATCH", _P, switch),
    reads(f"{_P}/allowlist", listing),
    writes("POST", f"{_P}/allowlist", add),
    writes("DELETE", f"{_P}/allowlist/{{target_project_id}}", remove),
    reads(f"{_P}/groups_allowlist", groups),
    writes("POST", f"{_P}/groups_allowlist", add_group),
    writes("DELETE", f"{_P}/groups_allowlist/{{target_group_id}}", remove_group),
)
