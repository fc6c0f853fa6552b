"""Merge requests (Merge requests API) within one project: opened, closed, and merged where the target has not moved."""

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import DEVELOPER, find_project, project_level, user_by_id
from sledgehammer_localstack.gitlab.answers import (
    ApiError,
    Json,
    Reply,
    bad_request,
    conflict,
    created,
    forbidden,
    not_found,
)
from sledgehammer_localstack.gitlab.api.contents import readable
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_life import authorship
from sledgehammer_localstack.gitlab.protection import protection_of
from sledgehammer_localstack.gitlab.pushes import RefChange, ref_changed
from sledgehammer_localstack.gitlab.records import MergeRequest, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import now

STATES = ("opened", "closed", "locked", "merged", "all")


def _all(call: Call, project: Project) -> list[MergeRequest]:
    query = "SELECT * FROM merge_requests WHERE project_id = ? ORDER BY id DESC"
    return call.store.all(MergeRequest, query, project.id)


def _one(call: Call, project: Project) -> MergeRequest:
    for one in _all(call, project):
        if str(one.iid) == call.path["iid"]:
            return one
    raise not_found()


def _present(call: Call, project: Project, one: MergeRequest) -> Json:
    return {
        "id": one.id,
        "iid": one.iid,
        "project_id": project.id,
        "title": one.title,
        "description": one.description,
        "state": one.state,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "source_branch": one.source_branch,
        "target_branch": one.target_branch,
        "author": present_people.user_basic(call.services, user_by_id(call.store, one.author_id)),
        "sha": repository_of(call.services, project).branch_sha(one.source_branch),
        "web_url": f"{call.services.url}/{project.full_path}/-/merge_requests/{one.iid}",
    }


def listing(call: Call) -> Reply:
    """A project's requests, newest first."""
    project, params = readable(call), call.params
    found = _all(call, project)
    if (state := params.choice("state", STATES)) not in (None, "all"):
        found = [one for one in found if one.state == state]
    for name in ("source_branch", "target_branch"):
        if branch := params.text(name):
            found = [one for one in found if getattr(one, name) == branch]
    return paged(call, found, lambda one: _present(call, project, one))


def show(call: Call) -> Reply:
    """One request."""
    project = readable(call)
    return Reply(payload=_present(call, project, _one(call, project)))


def create(call: Call) -> Reply:
    """A new request; two open ones for the same branches cannot be."""
    project, params, moment = (
        find_project(call.store, call.caller, call.path["id"], level=DEVELOPER),
        call.params,
        now(),
    )
    source, target = params.required("source_branch"), params.required("target_branch")
    repository = repository_of(call.services, project)
    for name, branch in (("source_branch", source), ("target_branch", target)):
        if repository.branch_sha(branch) is None:
            raise bad_request({name: ["does not exist"]})
    for other in _all(call, project):
        if (other.state, other.source_branch, other.target_branch) == ("opened", source, target):
            raise conflict(f"Another open merge request already exists for this source branch: !{other.iid}")
    call.store.insert(
        "merge_requests",
        project_id=project.id,
        iid=call.store.count("SELECT max(iid) FROM merge_requests WHERE project_id = ?", project.id) + 1,
        source_branch=source,
        target_branch=target,
        title=params.required("title"),
        description=params.text("description") or "",
        state="opened",
        author_id=call.user.id,
        created_at=moment,
        updated_at=moment,
    )
    return created(_present(call, project, _all(call, project)[0]))


def update(call: Call) -> Reply:
    """Change title or description; close or open again."""
    project, params = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER), call.params
    one = _one(call, project)
    event = params.choice("state_event", ("close", "reopen"))
    state = {"close": "closed", "reopen": "opened", None: one.state}[event]
    call.store.update(
        "merge_requests",
        one.id,
        title=params.text("title") or one.title,
        description=params.text("description") if params.has("description") else one.description,
        state=state,
        updated_at=now(),
    )
    return Reply(payload=_present(call, project, _one(call, project)))


def merge(call: Call) -> Reply:
    """A merge commit on the target; 405 where the target has commits that the source lacks."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    one, repository = _one(call, project), repository_of(call.services, project)
    rule = protection_of(call.store, project, one.target_branch)
    if rule is not None and not 0 < rule.merge_level <= project_level(call.store, call.caller, project):
        raise forbidden()
    source, target = repository.branch_sha(one.source_branch), repository.branch_sha(one.target_branch)
    if one.state != "opened" or source is None or target is None:
        raise ApiError(405, {"message": "405 Method Not Allowed"})
    if repository.git("merge-base", "--is-ancestor", target, source).exit_code != 0:
        raise ApiError(405, {"message": "405 Method Not Allowed"})
    message = f"Merge branch '{one.source_branch}' into '{one.target_branch}'\n".encode()
    identity = authorship(call.user).environment()
    parents = ("-p", target, "-p", source)
    sha = repository.git_checked("commit-tree", f"{source}^{{tree}}", *parents, env=identity, data=message).text
    repository.git_checked("update-ref", f"refs/heads/{one.target_branch}", sha, target)
    call.store.update("merge_requests", one.id, state="merged", updated_at=now())
    change = RefChange(ref=f"refs/heads/{one.target_branch}", before=target, after=sha)
    ref_changed(call.services, project, call.user, change)
    return Reply(payload=_present(call, project, _one(call, project)))


_P = "/api/v4/projects/{id}/merge_requests"
ROUTES: tuple[Route, ...] = (
    reads(_P, listing),
    writes("POST", _P, create),
    reads(f"{_P}/{{iid}}", show),
    writes("PUT", f"{_P}/{{iid}}", update),
    writes("PUT", f"{_P}/{{iid}}/merge", merge),
)
