"""CI/CD variables of projects and groups (Project- and Group-level CI/CD variables API)."""

import re
import sqlite3
from dataclasses import dataclass

from sledgehammer_localstack.gitlab.access import MAINTAINER, OWNER, find_group, find_project
from sledgehammer_localstack.gitlab.answers import Json, Reply, bad_request, conflict, created, no_content, not_found
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.records import Variable
from sledgehammer_localstack.gitlab.routing import Route, reads, writes

TYPES = ("env_var", "file")
MAX_VALUE = 10_000
# GitLab docs "Mask a CI/CD variable": one line, 8 characters or more; with expansion on only these characters
_MASKABLE = re.compile(r"[A-Za-z0-9_:@\-+.~=/]{8,}")
_MASKABLE_RAW = re.compile(r"\S{8,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """The project or group whose variables are meant; the other id is None."""

    project_id: int | None = None
    namespace_id: int | None = None

    @property
    def limit(self) -> int:
        """How many variables one may have."""
        return 8_000 if self.project_id is not None else 30_000


def _owner(call: Call) -> _Owner:
    if "/projects/" in call.request.path:
        return _Owner(project_id=find_project(call.store, call.caller, call.path["id"], level=MAINTAINER).id)
    return _Owner(namespace_id=find_group(call.store, call.caller, call.path["id"], level=OWNER).id)


def present(variable: Variable) -> Json:
    """A variable; the value of a hidden one is null."""
    return {
        "variable_type": variable.variable_type,
        "key": variable.key,
        "value": None if variable.hidden else variable.value,
        "hidden": variable.hidden,
        "protected": variable.protected,
        "masked": variable.masked,
        "raw": variable.raw,
        "environment_scope": variable.environment_scope,
        "description": variable.description,
    }


def _all(call: Call, owner: _Owner) -> list[Variable]:
    query = "SELECT * FROM variables WHERE project_id IS ? AND namespace_id IS ? ORDER BY key, environment_scope"
    return call.store.all(Variable, query, owner.project_id, owner.namespace_id)


def _one(call: Call, owner: _Owner) -> Variable:
    """The variable with this key. 409 where several have it and no `filter[environment_scope]` picks one."""
    found = [variable for variable in _all(call, owner) if variable.key == call.path["key"]]
    scope = call.params.text("filter[environment_scope]") or call.params.object("filter").text("environment_scope")
    if scope is not None:
        found = [variable for variable in found if variable.environment_scope == scope]
    if not found:
        raise not_found("Variable")
    if len(found) > 1:
        raise conflict("There are multiple variables with provided parameters. Please use 'filter[environment_scope]'")
    return found[0]


def listing(call: Call) -> Reply:
    """All variables."""
    return paged(call, _all(call, _owner(call)), present)


def show(call: Call) -> Reply:
    """One variable."""
    return Reply(payload=present(_one(call, _owner(call))))


def create(call: Call) -> Reply:
    """A new variable; `masked_and_hidden` is possible only now."""
    owner, params = _owner(call), call.params
    key, value = params.required("key"), params.text("value")
    hidden = bool(params.flag("masked_and_hidden"))
    if value is None:
        raise bad_request({"value": ["can't be blank"]})
    variable = Variable(
        id=0,
        project_id=owner.project_id,
        namespace_id=owner.namespace_id,
        key=key,
        value=value,
        variable_type=params.choice("variable_type", TYPES) or "env_var",
        protected=bool(params.flag("protected")),
        masked=bool(params.flag("masked")) or hidden,
        hidden=hidden,
        raw=bool(params.flag("raw")),
        environment_scope=params.text("environment_scope") or "*",
        description=params.text("description"),
    )
    _check(variable)
    if len(_all(call, owner)) >= owner.limit:
        raise bad_request({"base": [f"Maximum number of CI/CD variables ({owner.limit}) exceeded"]})
    _save(call, variable)
    return created(present(variable))


def update(call: Call) -> Reply:
    """Change a variable; what is not sent stays."""
    old, params = _one(call, _owner(call)), call.params
    masked = params.flag("masked")
    if old.hidden and masked is False:
        raise bad_request({"base": ["The visibility setting cannot be changed for masked and hidden variables."]})
    value = params.text("value")
    description = params.text("description") if params.has("description") else old.description
    flags = {name: params.flag(name) for name in ("protected", "raw")}
    variable = Variable(
        id=old.id,
        project_id=old.project_id,
        namespace_id=old.namespace_id,
        key=old.key,
        value=old.value if value is None else value,
        variable_type=params.choice("variable_type", TYPES) or old.variable_type,
        protected=old.protected if flags["protected"] is None else flags["protected"],
        masked=old.masked if masked is None else masked,
        hidden=old.hidden,
        raw=old.raw if flags["raw"] is None else flags["raw"],
        environment_scope=params.text("environment_scope") or old.environment_scope,
        description=description,
    )
    _check(variable)
    _save(call, variable)
    return Reply(payload=present(variable))


def delete(call: Call) -> Reply:
    """Remove a variable."""
    call.store.delete("variables", _one(call, _owner(call)).id)
    return no_content()


def _check(variable: Variable) -> None:
    problems: dict[str, Json] = {}
    if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", variable.key):
        problems["key"] = ["can contain only letters, digits and '_'."]
    maskable = _MASKABLE_RAW if variable.raw else _MASKABLE
    if variable.masked and not maskable.fullmatch(variable.value):
        problems["value"] = ["is invalid"]
    if len(variable.value) > MAX_VALUE:
        problems["value"] = [f"The provided content is too long (maximum is {MAX_VALUE} characters)"]
    if problems:
        raise bad_request(problems)


def _save(call: Call, variable: Variable) -> None:
    columns = {name: getattr(variable, name) for name in Variable.__slots__ if name != "id"}
    try:
        if variable.id:
            call.store.update("variables", variable.id, **columns)
        else:
            call.store.insert("variables", **columns)
    except sqlite3.IntegrityError:
        raise bad_request({"key": [f"({variable.key}) has already been taken"]}) from None


def _routes(base: str) -> tuple[Route, ...]:
    return (
        reads(f"{base}/variables", listing),
        writes("POST", f"{base}/variables", create),
        reads(f"{base}/variables/{{key}}", show),
        writes("PUT", f"{base}/variables/{{key}}", update),
        writes("DELETE", f"{base}/variables/{{key}}", delete),
    )


ROUTES: tuple[Route, ...] = (*_routes("/api/v4/projects/{id}"), *_routes("/api/v4/groups/{id}"))
