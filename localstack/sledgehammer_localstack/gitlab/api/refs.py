"""Branches, protected branches and tags (Branches, Protected branches and Tags APIs)."""

from sledgehammer_localstack.gitlab import present_projects
from sledgehammer_localstack.gitlab.access import DEVELOPER, LEVEL_CHOICES, MAINTAINER, find_project, project_level
from sledgehammer_localstack.gitlab.answers import (
    Json,
    Reply,
    bad_parameter,
    bad_request,
    conflict,
    created,
    forbidden,
    no_content,
    not_found,
    unprocessable,
)
from sledgehammer_localstack.gitlab.api.contents import readable
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.git.repository import ZERO_SHA, Repository
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.protection import may_create_tag, protection_of, protections
from sledgehammer_localstack.gitlab.pushes import RefChange, ref_changed
from sledgehammer_localstack.gitlab.records import Project, ProtectedBranch
from sledgehammer_localstack.gitlab.routing import Route, reads, writes


def _branch_json(call: Call, project: Project, name: str, sha: str) -> Json:
    head = repository_of(call.services, project).commit(sha)
    level = project_level(call.store, call.caller, project)
    protection = protection_of(call.store, project, name)
    return present_projects.branch(call.services, project, name, head, protection=protection, level=level)


def branches(call: Call) -> Reply:
    """All branches by name."""
    project = readable(call)
    heads = repository_of(call.services, project).refs("refs/heads/")
    found = [(ref.removeprefix("refs/heads/"), sha) for ref, sha in heads.items()]
    if search := call.params.text("search"):
        found = [(name, sha) for name, sha in found if search.lower() in name.lower()]
    return paged(call, found, lambda pair: _branch_json(call, project, *pair))


def branch(call: Call) -> Reply:
    """One branch."""
    project = readable(call)
    sha = repository_of(call.services, project).branch_sha(call.path["branch"])
    if sha is None:
        raise not_found("Branch")
    return Reply(payload=_branch_json(call, project, call.path["branch"], sha))


def create_branch(call: Call) -> Reply:
    """A branch at a ref; starts a pipeline as a push does."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    name, ref = call.params.required("branch"), call.params.required("ref")
    repository = repository_of(call.services, project)
    if repository.branch_sha(name) is not None:
        raise bad_request("Branch already exists")
    sha = repository.resolve(ref)
    if sha is None:
        raise bad_request(f"Invalid reference name: {ref}")
    _make_ref(repository, f"refs/heads/{name}", sha, what="Branch name")
    change = RefChange(ref=f"refs/heads/{name}", before=ZERO_SHA, after=sha)
    ref_changed(call.services, project, call.user, change)
    return created(_branch_json(call, project, name, sha))


def _make_ref(repository: Repository, ref: str, sha: str, *, what: str) -> None:
    if repository.git("check-ref-format", ref).exit_code != 0:
        raise bad_request(f"{what} is invalid")
    repository.git_checked("update-ref", ref, sha)


def delete_branch(call: Call) -> Reply:
    """Remove a branch that is neither the default nor protected."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    name = call.path["branch"]
    repository = repository_of(call.services, project)
    if repository.branch_sha(name) is None:
        raise not_found("Branch")
    if name == project.default_branch:
        raise bad_request("Cannot remove HEAD branch")
    is_protected = protection_of(call.store, project, name) is not None
    if is_protected and project_level(call.store, call.caller, project) < MAINTAINER:
        raise bad_request("Protected branch can't be removed")
    repository.git_checked("update-ref", "-d", f"refs/heads/{name}")
    return no_content()


def protected_branches(call: Call) -> Reply:
    """All protections."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    found = protections(call.store, project)
    if search := call.params.text("search"):
        found = [rule for rule in found if search.lower() in rule.name.lower()]
    return paged(call, found, present_projects.protected_branch)


def protected_branch(call: Call) -> Reply:
    """One protection by its exact name or pattern."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    return Reply(payload=present_projects.protected_branch(_rule(call, project)))


def protect(call: Call) -> Reply:
    """Protect a branch or wildcard."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    name = call.params.required("name")
    if any(rule.name == name for rule in protections(call.store, project)):
        raise conflict(f"Protected branch '{name}' already exists")
    call.store.insert(
        "protected_branches",
        project_id=project.id,
        name=name,
        push_level=_level(call, "push_access_level", MAINTAINER),
        merge_level=_level(call, "merge_access_level", MAINTAINER),
        allow_force_push=bool(call.params.flag("allow_force_push")),
    )
    made = next(rule for rule in protections(call.store, project) if rule.name == name)
    return created(present_projects.protected_branch(made))


def change_protection(call: Call) -> Reply:
    """Change whether force pushes are allowed; levels are changed by removing and protecting anew (Free tier)."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    rule = _rule(call, project)
    if (allowed := call.params.flag("allow_force_push")) is None:
        raise unprocessable("allow_force_push is missing")
    call.store.update("protected_branches", rule.id, allow_force_push=allowed)
    return Reply(payload=present_projects.protected_branch(_rule(call, project)))


def unprotect(call: Call) -> Reply:
    """End a protection."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    call.store.delete("protected_branches", _rule(call, project).id)
    return no_content()


def _rule(call: Call, project: Project) -> ProtectedBranch:
    for rule in protections(call.store, project):
        if rule.name == call.path["name"]:
            return rule
    raise not_found()


def _level(call: Call, name: str, default: int) -> int:
    level = call.params.number(name)
    if level is None:
        return default
    if level not in LEVEL_CHOICES:
        raise bad_parameter(f"{name} does not have a valid value")
    return level


def _tag_json(call: Call, project: Project, name: str) -> Json:
    repository = repository_of(call.services, project)
    target = repository.refs(f"refs/tags/{name}")[f"refs/tags/{name}"]
    sha = repository.resolve(f"refs/tags/{name}") or target
    message = ""
    if target != sha:
        message = repository.git_checked("for-each-ref", "--format=%(contents)", f"refs/tags/{name}").text
    commit = repository.commit(sha)
    shown = present_projects.commit(call.services, project, commit)
    return {
        "name": name,
        "message": message,
        "target": target,
        "commit": shown,
        "release": None,
        "protected": False,
        "created_at": commit.committed_at if message else None,
    }


def tags(call: Call) -> Reply:
    """All tags by name."""
    project = readable(call)
    refs = repository_of(call.services, project).refs("refs/tags/")
    names = [ref.removeprefix("refs/tags/") for ref in refs]
    return paged(call, names, lambda name: _tag_json(call, project, name))


def tag(call: Call) -> Reply:
    """One tag."""
    project = readable(call)
    name = call.path["tag_name"]
    if f"refs/tags/{name}" not in repository_of(call.services, project).refs(f"refs/tags/{name}"):
        raise not_found("Tag")
    return Reply(payload=_tag_json(call, project, name))


def create_tag(call: Call) -> Reply:
    """A tag at a ref, annotated when there is a message; starts a pipeline as a push does."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    name, ref = call.params.required("tag_name"), call.params.required("ref")
    repository = repository_of(call.services, project)
    if f"refs/tags/{name}" in repository.refs(f"refs/tags/{name}"):
        raise bad_request(f"Tag {name} already exists")
    sha = repository.resolve(ref)
    if sha is None:
        raise bad_request(f"Target {ref} is invalid")
    if not may_create_tag(call.store, project, name, level=project_level(call.store, call.caller, project)):
        raise forbidden("You are not allowed to create this tag as it is protected.")
    if repository.git("check-ref-format", f"refs/tags/{name}").exit_code != 0:
        raise bad_request("Tag name invalid")
    if message := call.params.text("message"):
        identity = {"GIT_COMMITTER_NAME": call.user.name, "GIT_COMMITTER_EMAIL": call.user.email}
        repository.git_checked("tag", "-a", "-F", "-", name, sha, env=identity, data=message.encode())
    else:
        repository.git_checked("update-ref", f"refs/tags/{name}", sha)
    ref_changed(call.services, project, call.user, RefChange(ref=f"refs/tags/{name}", before=ZERO_SHA, after=sha))
    return created(_tag_json(call, project, name))


def delete_tag(call: Call) -> Reply:
    """Remove a tag."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    name = call.path["tag_name"]
    repository = repository_of(call.services, project)
    if f"refs/tags/{name}" not in repository.refs(f"refs/tags/{name}"):
        raise not_found("Tag")
    repository.git_checked("update-ref", "-d", f"refs/tags/{name}")
    return no_content()


_P = "/api/v4/projects/{id}"
ROUTES: tuple[Route, ...] = (
    reads(f"{_P}/repository/branches", branches),
    writes("POST", f"{_P}/repository/branches", create_branch),
    reads(f"{_P}/repository/branches/{{branch}}", branch),
    writes("DELETE", f"{_P}/repository/branches/{{branch}}", delete_branch),
    reads(f"{_P}/protected_branches", protected_branches),
    writes("POST", f"{_P}/protected_branches", protect),
    reads(f"{_P}/protected_branches/{{name}}", protected_branch),
    writes("PATCH", f"{_P}/protected_branches/{{name}}", change_protection),
    writes("DELETE", f"{_P}/protected_branches/{{name}}", unprotect),
    reads(f"{_P}/repository/tags", tags),
    writes("POST", f"{_P}/repository/tags", create_tag),
    reads(f"{_P}/repository/tags/{{tag_name}}", tag),
    writes("DELETE", f"{_P}/repository/tags/{{tag_name}}", delete_tag),
)
