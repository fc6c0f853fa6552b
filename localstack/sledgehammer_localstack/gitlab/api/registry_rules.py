"""Protected container repositories and tags (APIs "Container repository protection rules" and "Container registry
protection tag rules"). The rules are kept and shown; the registry's token service does not look at them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sledgehammer_localstack.gitlab.access import MAINTAINER, find_project
from sledgehammer_localstack.gitlab.answers import Json, Reply, created, no_content, not_found, unprocessable
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.records import Project, RegistryRule
from sledgehammer_localstack.gitlab.routing import Route, reads, writes

LEVELS = ("maintainer", "owner", "admin")
MOST_TAG_RULES = 5
LONGEST_TAG_PATTERN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one kind and their API. `check` raises 422 for a pattern and levels that cannot be."""

    subject: str
    pattern_name: str
    check: Callable[[Project, str, str, str], None]
    most: int | None = None

    def listing(self, call: Call) -> Reply:
        """All rules; the list has no pages."""
        return Reply(payload=[self._present(rule) for rule in self._all(call, _project(call))])

    def create(self, call: Call) -> Reply:
        """A new rule for a pattern that has none."""
        project, params = _project(call), call.params
        pattern = params.required(self.pattern_name)
        push = params.choice("minimum_access_level_for_push", LEVELS) or ""
        delete = params.choice("minimum_access_level_for_delete", LEVELS) or ""
        self.check(project, pattern, push, delete)
        rules = self._all(call, project)
        if any(rule.pattern == pattern for rule in rules):
            raise unprocessable(f"{self.pattern_name.replace('_', ' ').capitalize()} has already been taken")
        if self.most is not None and len(rules) >= self.most:
            raise unprocessable("Maximum number of protection rules have been reached.")
        levels = {"push_level": push, "delete_level": delete}
        call.store.insert("registry_rules", project_id=project.id, subject=self.subject, pattern=pattern, **levels)
        return created(self._present(next(rule for rule in self._all(call, project) if rule.pattern == pattern)))

    def update(self, call: Call) -> Reply:
        """Change a rule; an empty level takes that one away."""
        project, params = _project(call), call.params
        rule = self._one(call, project)
        levels = {"push": rule.push_level, "delete": rule.delete_level}
        for name in levels:
            if params.has(f"minimum_access_level_for_{name}"):
                levels[name] = params.choice(f"minimum_access_level_for_{name}", (*LEVELS, "")) or ""
        pattern = params.text(self.pattern_name) or rule.pattern
        self.check(project, pattern, levels["push"], levels["delete"])
        changes = {"pattern": pattern, "push_level": levels["push"], "delete_level": levels["delete"]}
        call.store.update("registry_rules", rule.id, **changes)
        return Reply(payload=self._present(self._one(call, project)))

    def remove(self, call: Call) -> Reply:
        """End a rule."""
        call.store.delete("registry_rules", self._one(call, _project(call)).id)
        return no_content()

    def routes(self) -> tuple[Route, ...]:
        """Below the project."""
        path = f"/api/v4/projects/{{id}}/registry/protection/{self.subject}/rules"
        return (
            reads(path, self.listing),
            writes("POST", path, self.create),
            writes("PATCH", f"{path}/{{rule_id}}", self.update),
            writes("DELETE", f"{path}/{{rule_id}}", self.remove),
        )

    def _all(self, call: Call, project: Project) -> list[RegistryRule]:
        query = "SELECT * FROM registry_rules WHERE project_id = ? AND subject = ? ORDER BY id"
        return call.store.all(RegistryRule, query, project.id, self.subject)

    def _one(self, call: Call, project: Project) -> RegistryRule:
        for rule in self._all(call, project):
            if str(rule.id) == call.path["rule_id"]:
                return rule
        raise not_found("Protection Rule")

    def _present(self, rule: RegistryRule) -> Json:
        return {
            "id": rule.id,
            "project_id": rule.project_id,
            self.pattern_name: rule.pattern,
            "minimum_access_level_for_push": rule.push_level or None,
            "minimum_access_level_for_delete": rule.delete_level or None,
        }


def _project(call: Call) -> Project:
    return find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)


def _check_repository(project: Project, pattern: str, push: str, delete: str) -> None:
    if not push and not delete:
        raise unprocessable("A rule must have at least one minimum access role for push or delete.")
    if not pattern.startswith(project.full_path.lower()):
        raise unprocessable("Repository path pattern should start with the project's full path")


def _check_tag(project: Project, pattern: str, push: str, delete: str) -> None:
    """Both levels or none; none is an immutable tag, which only Premium has."""
    if not push or not delete:
        raise unprocessable("Access levels should either both be present or both be nil")
    if len(pattern) > LONGEST_TAG_PATTERN:
        raise unprocessable(f"Tag name pattern is too long (maximum is {LONGEST_TAG_PATTERN} characters)")
    try:
        re.compile(pattern)
    except re.error:
        raise unprocessable("Tag name pattern not valid RE2 syntax") from None


KINDS = (
    Rules(subject="repository", pattern_name="repository_path_pattern", check=_check_repository),
    Rules(subject="tag", pattern_name="tag_name_pattern", check=_check_tag, most=MOST_TAG_RULES),
)
ROUTES: tuple[Route, ...] = tuple(route for kind in KINDS for route in kind.routes())
