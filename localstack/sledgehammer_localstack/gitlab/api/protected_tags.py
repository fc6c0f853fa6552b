"""Protected tags (Protected tags API): a rule is made and removed, never changed."""

from sledgehammer_localstack.gitlab import present_projects
from sledgehammer_localstack.gitlab.access import DEVELOPER, LEVEL_CHOICES, MAINTAINER, find_project
from sledgehammer_localstack.gitlab.answers import Reply, bad_parameter, created, no_content, not_found, unprocessable
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.protection import tag_protections
from sledgehammer_localstack.gitlab.records import Project, ProtectedTag
from sledgehammer_localstack.gitlab.routing import Route, reads, writes


def listing(call: Call) -> Reply:
    """All rules."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    return paged(call, tag_protections(call.store, project), present_projects.protected_tag)


def show(call: Call) -> Reply:
    """One rule by its exact name or pattern."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    return Reply(payload=present_projects.protected_tag(_rule(call, project)))


def protect(call: Call) -> Reply:
    """Protect a tag or wildcard."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    name, level = call.params.required("name"), call.params.number("create_access_level")
    if level is not None and level not in LEVEL_CHOICES:
        raise bad_parameter("create_access_level does not have a valid value")
    if any(rule.name == name for rule in tag_protections(call.store, project)):
        raise unprocessable({"name": ["has already been taken"]})
    create_level = MAINTAINER if level is None else level
    call.store.insert("protected_tags", project_id=project.id, name=name, create_level=create_level)
    made = next(rule for rule in tag_protections(call.store, project) if rule.name == name)
    return created(present_projects.protected_tag(made))


def unprotect(call: Call) -> Reply:
    """End a protection."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    call.store.delete("protected_tags", _rule(call, project).id)
    return no_content()


def _rule(call: Call, project: Project) -> ProtectedTag:
    for rule in tag_protections(call.store, project):
        if rule.name == call.path["name"]:
            return rule
    raise not_found()


_P = "/api/v4/projects/{id}/protected_tags"
ROUTES: tuple[Route, ...] = (
    reads(_P, listing),
    writes("POST", _P, protect),
    reads(f"{_P}/{{name}}", show),
    writes("DELETE", f"{_P}/{{name}}", unprotect),
)
