"""Commits and changing files (Commits and Repository files APIs)."""

import base64
import binascii

from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer_localstack.gitlab import present_projects
from sledgehammer_localstack.gitlab.access import DEVELOPER, find_project, project_level
from sledgehammer_localstack.gitlab.answers import (
    Json,
    Reply,
    bad_parameter,
    bad_request,
    created,
    forbidden,
    no_content,
    not_found,
)
from sledgehammer_localstack.gitlab.api.contents import readable, revision_or_404
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.git.committing import Authorship, FileAction, commit_actions
from sledgehammer_localstack.gitlab.git.repository import ZERO_SHA, FileChange
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.parameters import Parameters
from sledgehammer_localstack.gitlab.present_builds import pipeline_basic
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.protection import protection_of
from sledgehammer_localstack.gitlab.pushes import RefChange, ref_changed
from sledgehammer_localstack.gitlab.records import Pipeline, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes

ACTIONS = ("create", "update", "delete", "move", "chmod")
HISTORY_LIMIT = 10_000


def listing(call: Call) -> Reply:
    """The history of a ref, newest first, or of one path in it."""
    project = readable(call)
    repository = repository_of(call.services, project)
    if repository.is_empty():
        return paged(call, [], lambda one: one)
    params = call.params
    options = [f"--{name}={params.text(name)}" for name in ("since", "until", "author") if params.text(name)]
    options += ["--first-parent"] if params.flag("first_parent") else []
    if params.flag("all"):
        sha, options = "HEAD", [*options, "--branches", "--tags"]
    else:
        sha = revision_or_404(repository, params.text("ref_name") or project.default_branch, what="Commit")
    history = repository.commits(sha, path=params.text("path"), limit=HISTORY_LIMIT, options=tuple(options))
    return paged(call, history, lambda one: present_projects.commit(call.services, project, one))


def show(call: Call) -> Reply:
    """One commit by SHA, branch or tag, with statistics and its last pipeline."""
    project = readable(call)
    sha = revision_or_404(repository_of(call.services, project), call.path["sha"], what="Commit")
    return Reply(payload=_detail(call, project, sha, with_stats=call.params.flag("stats") is not False))


def diff(call: Call) -> Reply:
    """What a commit changed against its first parent."""
    project = readable(call)
    sha = revision_or_404(repository_of(call.services, project), call.path["sha"], what="Commit")
    return paged(call, _changes(call, project, sha), present_projects.diff)


def _changes(call: Call, project: Project, sha: str) -> list[FileChange]:
    repository = repository_of(call.services, project)
    parents = repository.commit(sha).parents
    return repository.diff(parents[0] if parents else ZERO_SHA, sha)


def _detail(call: Call, project: Project, sha: str, *, with_stats: bool = True) -> Json:
    commit = repository_of(call.services, project).commit(sha)
    query = "SELECT * FROM pipelines WHERE project_id = ? AND sha = ? ORDER BY id DESC"
    last = call.store.one(Pipeline, query, project.id, sha)
    detail = present_projects.commit(call.services, project, commit)
    if with_stats:
        lines = [line for change in _changes(call, project, sha) for line in change.patch.splitlines()]
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        detail["stats"] = {"additions": added, "deletions": removed, "total": added + removed}
    detail["status"] = last.status if last else None
    detail["project_id"] = project.id
    detail["last_pipeline"] = pipeline_basic(call.services, project, last) if last else None
    return detail


def create(call: Call) -> Reply:
    """One commit of several file actions, on a branch or on a new one from `start_branch` or `start_sha`."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    sent = call.params.objects("actions")
    message = call.params.required("commit_message")
    if sent is None:
        raise bad_parameter("actions is missing")
    actions = [_action(one) for one in sent]
    sha = _commit(call, project, message, actions)
    return created(_detail(call, project, sha, with_stats=call.params.flag("stats") is not False))


def _action(params: Parameters) -> FileAction:
    kind = params.choice("action", ACTIONS)
    if kind is None:
        raise bad_parameter("actions[0][action] is missing")
    if kind == "move" and not params.text("previous_path"):
        raise bad_request("You must provide a previous path")
    return _file_action(params, kind, params.required("file_path"))


def _file_action(params: Parameters, kind: str, path: str) -> FileAction:
    text = params.text("content")
    content = (text or "").encode()
    if params.choice("encoding", ("text", "base64")) == "base64":
        try:
            content = base64.b64decode(text or "", validate=False)
        except (binascii.Error, ValueError):
            raise bad_parameter("content is invalid") from None
    if kind in ("create", "update") and text is None:
        raise bad_parameter("content is missing")
    return FileAction(
        action=kind,
        path=path.lstrip("/"),
        content=content,
        has_content=text is not None,
        previous_path=(params.text("previous_path") or "").lstrip("/"),
        is_executable=params.flag("execute_filemode"),
        last_commit_id=params.text("last_commit_id") or "",
    )


def _commit(call: Call, project: Project, message: str, actions: list[FileAction]) -> str:
    """Commit on the branch the parameters name and start what a push would start."""
    branch, user, params = call.params.required("branch"), call.user, call.params
    rule = protection_of(call.store, project, branch)
    level = project_level(call.store, call.caller, project)
    repository = repository_of(call.services, project)
    is_first = repository.is_empty()
    if rule is not None and not 0 < rule.push_level <= level and not (is_first and level >= DEVELOPER):
        raise forbidden("You are not allowed to push into this branch")
    head = repository.branch_sha(branch)
    parent = head
    if (start := params.text("start_branch") or params.text("start_sha")) is not None and start != branch:
        if head is not None and not params.flag("force"):
            raise bad_request(
                f"A branch called '{branch}' already exists. Switch to that branch in order to make changes"
            )
        parent = repository.resolve(start)
        if parent is None:
            raise bad_request(f"Cannot find branch {start}")
    elif head is None and not is_first:
        raise bad_request("You can only create or edit files when you are on a branch")
    authorship = Authorship(
        author_name=params.text("author_name") or user.name,
        author_email=params.text("author_email") or user.email,
        committer_name=user.name,
        committer_email=user.email,
    )
    try:
        sha = commit_actions(
            repository,
            branch=branch,
            parent=parent,
            message=message,
            actions=actions,
            authorship=authorship,
            overwrites=parent != head,
        )
    except (ConflictError, NotFoundError) as error:
        raise bad_request(error.message) from error
    change = RefChange(ref=f"refs/heads/{branch}", before=head or ZERO_SHA, after=sha)
    ref_changed(call.services, project, user, change)
    return sha


def create_file(call: Call) -> Reply:
    """Add one file."""
    return created(_change_file(call, "create"))


def update_file(call: Call) -> Reply:
    """Change one file."""
    return Reply(payload=_change_file(call, "update"))


def delete_file(call: Call) -> Reply:
    """Remove one file."""
    _change_file(call, "delete")
    return no_content()


def _change_file(call: Call, kind: str) -> Json:
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    branch, message = call.params.required("branch"), call.params.required("commit_message")
    action = _file_action(call.params, kind, call.path["file_path"])
    _commit(call, project, message, [action])
    return {"file_path": action.path, "branch": branch}


def refs(call: Call) -> Reply:
    """The branches and tags that hold a commit."""
    project = readable(call)
    repository = repository_of(call.services, project)
    sha = repository.resolve(call.path["sha"])
    if sha is None:
        raise not_found("Commit")
    kinds = {"branch": "refs/heads/", "tag": "refs/tags/"}
    wanted = call.params.choice("type", ("branch", "tag", "all")) or "all"
    found: list[Json] = []
    for kind, prefix in kinds.items():
        if wanted in (kind, "all"):
            names = repository.git_checked("for-each-ref", "--format=%(refname)", f"--contains={sha}", prefix).text
            found += [{"type": kind, "name": name.removeprefix(prefix)} for name in names.splitlines()]
    return paged(call, found, lambda one: one)


_R = "/api/v4/projects/{id}/repository"
ROUTES: tuple[Route, ...] = (
    reads(f"{_R}/commits", listing, scopes=("read_repository",)),
    writes("POST", f"{_R}/commits", create),
    reads(f"{_R}/commits/{{sha}}", show, scopes=("read_repository",)),
    reads(f"{_R}/commits/{{sha}}/diff", diff, scopes=("read_repository",)),
    reads(f"{_R}/commits/{{sha}}/refs", refs),
    writes("POST", f"{_R}/files/{{file_path}}", create_file),
    writes("PUT", f"{_R}/files/{{file_path}}", update_file),
    writes("DELETE", f"{_R}/files/{{file_path}}", delete_file),
)
