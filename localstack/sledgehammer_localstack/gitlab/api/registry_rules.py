"""Protected container repositories (Container repository protection rules API). The rules are kept and shown; the
registry's token service does not look at them."""

from sledgehammer_localstack.gitlab.access import MAINTAINER, find_project
from sledgehammer_localstack.gitlab.answers import Json, Reply, created, no_content, not_found, unprocessable
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.records import Project, RegistryRule
from sledgehammer_localstack.gitlab.routing import Route, reads, writes

LEVELS = ("maintainer", "owner", "admin")


def _all(call: Call, project: Project) -> list[RegistryRule]:
    return call.store.all(RegistryRule, "SELECT * FROM registry_rules WHERE project_id = ? ORDER BY id", project.id)


def _one(call: Call, project: Project) -> RegistryRule:
    for rule in _all(call, project):
        if str(rule.id) == call.path["rule_id"]:
            return rule
    raise not_found("Protection Rule")


def _project(call: Call) -> Project:
    return find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)


def _present(rule: RegistryRule) -> Json:
    return {
        "id": rule.id,
        "project_id": rule.project_id,
        "repository_path_pattern": rule.pattern,
        "minimum_access_level_for_push": rule.push_level or None,
        "minimum_access_level_for_delete": rule.delete_level or None,
    }


def listing(call: Call) -> Reply:
    """All rules; the list has no pages."""
    return Reply(payload=[_present(rule) for rule in _all(call, _project(call))])


def create(call: Call) -> Reply:
    """A new rule for a pattern below the project's path."""
    project, params = _project(call), call.params
    pattern = params.required("repository_path_pattern")
    push = params.choice("minimum_access_level_for_push", LEVELS) or ""
    delete = params.choice("minimum_access_level_for_delete", LEVELS) or ""
    _check(project, pattern, push, delete)
    if any(rule.pattern == pattern for rule in _all(call, project)):
        raise unprocessable("Repository path pattern has already been taken")
    call.store.insert("registry_rules", project_id=project.id, pattern=pattern, push_level=push, delete_level=delete)
    return created(_present(next(rule for rule in _all(call, project) if rule.pattern == pattern)))


def update(call: Call) -> Reply:
    """Change a rule; an empty level takes that one away."""
    project, params = _project(call), call.params
    rule = _one(call, project)
    levels = {"push": rule.push_level, "delete": rule.delete_level}
    for name in levels:
        if params.has(f"minimum_access_level_for_{name}"):
            levels[name] = params.choice(f"minimum_access_level_for_{name}", (*LEVELS, "")) or ""
    pattern = params.text("repository_path_pattern") or rule.pattern
    _check(project, pattern, levels["push"], levels["delete"])
    changes = {"pattern": pattern, "push_level": levels["push"], "delete_level": levels["delete"]}
    call.store.update("registry_rules", rule.id, **changes)
    return Reply(payload=_present(_one(call, project)))


def remove(call: Call) -> Reply:
    """End a rule."""
    call.store.delete("registry_rules", _one(call, _project(call)).id)
    return no_content()


def _check(project: Project, pattern: str, push: str, delete: str) -> None:
    if not push and not delete:
        raise unprocessable("A rule must have at least one minimum access role for push or delete.")
    if not pattern.startswith(project.full_path.lower()):
        raise unprocessable("Repository path pattern should start with the project's full path")


_P = "/api/v4/projects/{id}/registry/protection/repository/rules"
ROUTES: tuple[Route, ...] = (
    reads(_P, listing),
    writes("POST", _P, create),
    writes("PATCH", f"{_P}/{{rule_id}}", update),
    writes("DELETE", f"{_P}/{{rule_id}}", remove),
)
