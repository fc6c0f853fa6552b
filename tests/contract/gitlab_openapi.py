"""Checks HTTP exchanges against GitLab's own description of its API (Swagger 2.0).

The document is named by SLEDGEHAMMER_GITLAB_OPENAPI, else lies beside the checkout; without it tests skip, in CI they
fail. `check_exchange` raises AssertionError with a sentence for everything that does not fit.

Where the document itself is wrong, the tables below say how, and nothing else is let through:
- Swagger 2.0 has no null: null is allowed everywhere in answers.
- An entity's attribute without a declared type is written as `string`; `UNTYPED` names what it really is.
- A list is often described as one object (`is_array` forgotten): an array of such objects is taken, too.
- Some operations declare another success status than they answer with: `STATUSES`.
- Some attributes and parameters that GitLab documents elsewhere are missing: `MORE_ATTRIBUTES`, `MORE_PARAMETERS`.
- Some answer with a richer entity than declared, `GET /user` is not there at all: `ANSWERS`, `FORGOTTEN`.
- Required for some cases only is written as required: `CONDITIONAL`; scopes of a registry are missing: `SCOPES`.
"""

import functools
import json
import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
import requests
import yaml

BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "gitlab-openapi-v2.yaml"
API = "/api/v4"

# (entity without API_Entities_, attribute) -> JSON type that GitLab really answers with
UNTYPED: dict[tuple[str, str], str | tuple[str, ...]] = {
    ("Group", "id"): "integer",
    ("Group", "parent_id"): "integer",
    ("Group", "share_with_group_lock"): "boolean",
    ("Group", "require_two_factor_authentication"): "boolean",
    ("Group", "two_factor_grace_period"): "integer",
    ("Group", "lfs_enabled"): "boolean",
    ("Group", "request_access_enabled"): "boolean",
    ("GroupDetail", "shared_with_groups"): "array",
    ("GroupDetail", "projects"): "array",
    ("GroupDetail", "shared_projects"): "array",
    ("UserPublic", "bot"): "boolean",
    ("UserPublic", "external"): "boolean",
    ("UserPublic", "identities"): "array",
    ("UserWithAdmin", "is_admin"): "boolean",
    ("UserWithAdmin", "namespace_id"): "integer",
    ("Member", "access_level"): "integer",
    ("ProjectAccess", "access_level"): "integer",
    ("ProjectAccess", "notification_level"): "integer",
    ("GroupAccess", "access_level"): "integer",
    ("GroupAccess", "notification_level"): "integer",
    ("Ci_Job", "project"): "object",
    ("Ci_RunnerDetails", "tag_list"): "array",
    ("Ci_RunnerDetails", "run_untagged"): "boolean",
    ("Ci_RunnerDetails", "locked"): "boolean",
    ("Ci_RunnerDetails", "maximum_timeout"): "integer",
    ("Ci_RunnerDetails", "projects"): "array",
    ("Ci_RunnerDetails", "groups"): "array",
    ("Ci_RunnerRegistrationDetails", "id"): "integer",
    ("ContainerRegistry_Repository", "tags"): "array",
    ("ProtectedTag", "create_access_levels"): "array",
    ("postApiV4GroupsIdVariables", "protected"): "boolean",
    ("postApiV4GroupsIdVariables", "masked"): "boolean",
    ("postApiV4GroupsIdVariables", "masked_and_hidden"): "boolean",
    ("postApiV4GroupsIdVariables", "raw"): "boolean",
    ("putApiV4GroupsIdVariablesKey", "protected"): "boolean",
    ("putApiV4GroupsIdVariablesKey", "masked"): "boolean",
    ("putApiV4GroupsIdVariablesKey", "raw"): "boolean",
    ("ContainerExpirationPolicy", "enabled"): "boolean",
    ("ContainerExpirationPolicy", "keep_n"): "integer",
    ("Ci_PipelineScheduleDetails", "variables"): "array",  # written as one object
}
# Entities that repeat another's attributes.
SAME_AS = {
    "GroupDetail": "Group",
    "UserWithAdmin": "UserPublic",
    "Ci_JobBasic": "Ci_Job",
    "User": "UserPublic",
}
MORE_ATTRIBUTES: dict[str, frozenset[str]] = {
    "Ci_PipelineBasic": frozenset({"name"}),  # the list has it since 15.11 (Ci_PipelineBasicWithMetadata)
}
# Attributes required for some actions of a commit or types of a runner only, which Swagger 2.0 cannot say.
CONDITIONAL = frozenset({"previous_path", "execute_filemode", "content", "group_id", "project_id"})
# Its values were listed on an instance without a registry: read_registry and write_registry are missing.
SCOPES = "scopes"
# (method, path) -> success status really answered, where the document names another
STATUSES: dict[tuple[str, str], frozenset[int]] = {
    ("post", "/projects/{id}/repository/commits"): frozenset({201}),
    ("delete", "/groups/{id}"): frozenset({202}),
    ("post", "/projects/{id}/access_tokens/{token_id}/rotate"): frozenset({200}),
    ("post", "/groups/{id}/access_tokens/{token_id}/rotate"): frozenset({200}),
}
# (method, path) -> entity really answered, where the document names a lesser one or forgot the operation
ANSWERS: dict[tuple[str, str], str] = {
    ("get", "/user"): "UserWithAdmin",
    ("get", "/users"): "UserWithAdmin",  # for an administrator
    ("get", "/projects"): "ProjectWithAccess",  # without `simple`
    ("get", "/users/{user_id}/projects"): "ProjectWithAccess",  # the same
}
# Newer than the document: docs.gitlab.com/api/container_registry_protection_tag_rules
TAG_RULES = f"{API}/projects/{{id}}/registry/protection/tag/rules"
_LEVELS = ("minimum_access_level_for_push", "minimum_access_level_for_delete")


def _tag_rule(*more: str, levels: tuple[str, ...] = ("maintainer", "owner", "admin"), **schema: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {name: {"type": "string", "enum": list(levels)} for name in _LEVELS}
    properties |= {"tag_name_pattern": {"type": "string"}, **{name: {"type": "integer"} for name in more}}
    return {"type": "object", "properties": properties, **schema}


def _body(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"in": "body", "name": "body", "schema": schema}]


_RULE = _tag_rule("id", "project_id")
FORGOTTEN: dict[str, Any] = {
    f"{API}/user": {"get": {"responses": {"200": {}}}},
    TAG_RULES: {
        "get": {"responses": {"200": {"schema": {"type": "array", "items": _RULE}}}},
        "post": {
            "parameters": _body(_tag_rule(required=[*_LEVELS, "tag_name_pattern"])),
            "responses": {"201": {"schema": _RULE}},
        },
    },
    f"{TAG_RULES}/{{protection_rule_id}}": {
        "patch": {
            "parameters": _body(_tag_rule(levels=("maintainer", "owner", "admin", ""))),
            "responses": {"200": {"schema": _RULE}},
        },
        "delete": {"responses": {"204": {}}},
    },
}
# Query parameters the document forgot: of every list, and by (method, path)
PAGING = frozenset({"page", "per_page", "pagination", "cursor", "order_by", "sort"})
MORE_PARAMETERS: dict[tuple[str, str], frozenset[str]] = {
    ("get", "/projects/{id}/pipelines"): frozenset({"created_after", "created_before"}),
    ("get", "/groups/{id}/variables/{key}"): frozenset({"filter[environment_scope]"}),
    ("put", "/groups/{id}/variables/{key}"): frozenset({"filter[environment_scope]"}),
    ("delete", "/groups/{id}/variables/{key}"): frozenset({"filter[environment_scope]"}),
    ("put", "/projects/{id}/variables/{key}"): frozenset({"filter[environment_scope]"}),
    ("get", "/users/{id}"): frozenset({"with_custom_attributes"}),
}


def _place() -> Path:
    named = os.environ.get("SLEDGEHAMMER_GITLAB_OPENAPI")
    return Path(named) if named else BESIDE


def document_path() -> Path:
    """Where the document is; skips the test where it is not, fails in CI."""
    path = _place()
    if not path.exists():
        sentence = f"GitLab's OpenAPI document is not at {path}: name it by SLEDGEHAMMER_GITLAB_OPENAPI"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


@functools.cache
def _document(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(path.read_text(), Loader=loader)  # noqa: S506 - both are safe loaders
    return loaded


def check_exchange(
    method: str,
    path: str,
    query: Mapping[str, Any] | None = None,
    request_json: Any = None,
    status: int = 200,
    response_json: Any = None,
) -> None:
    """Check one exchange. `path` begins with /api/v4 and is raw (ids still percent-encoded); `response_json` None
    means the answer had no JSON body. Refusals (4xx) need no schema: their operation must exist."""
    document = _document(document_path())
    template, operation = _operation(document, method.lower(), path)
    if status >= 400:
        return
    _check_query(method.lower(), template, operation, query or {})
    _check_body(document, method, path, operation, request_json)
    declared = {int(code) for code in operation["responses"] if code.isdigit()}
    allowed = {code for code in declared if code < 400} | STATUSES.get((method.lower(), template), frozenset())
    assert status in allowed, f"{method} {path} answered {status}, the document knows {sorted(allowed)}"
    described: Mapping[str, Any] = operation["responses"].get(str(status)) or next(
        (operation["responses"][str(code)] for code in sorted(declared) if code < 300), {}
    )
    entity = ANSWERS.get((method.lower(), template))
    schema = {"$ref": f"#/definitions/API_Entities_{entity}"} if entity else described.get("schema")
    if schema and response_json is not None:
        _check_answer(document, f"{method} {path}", schema, response_json)


def _operation(document: Mapping[str, Any], method: str, path: str) -> tuple[str, Mapping[str, Any]]:
    """The operation with the most literal segments that matches."""
    found = []
    paths = document["paths"] | FORGOTTEN
    for template, operations in paths.items():
        if method in operations and re.fullmatch(_expression(template), path):
            found.append((template.count("{"), template))
    assert found, f"GitLab's API has no {method.upper()} {path}"
    template = min(found)[1]
    return template.removeprefix(API), paths[template][method]


@functools.cache
def _expression(template: str) -> str:
    parts = re.split(r"(\{[^}]+\}|\*[a-z_]+)", template)
    return "".join(
        "[^/]+" if part.startswith("{") else ".+" if part.startswith("*") else re.escape(part) for part in parts
    )


def _check_query(method: str, template: str, operation: Mapping[str, Any], query: Mapping[str, Any]) -> None:
    known = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "query"}
    more = PAGING | MORE_PARAMETERS.get((method, template), frozenset())
    for name, value in query.items():
        bare = name.removesuffix("[]")
        parameter = known.get(bare) or known.get(name)
        assert parameter or bare in more, f"{method} {template} knows no query parameter {name}"
        if parameter and "enum" in parameter:
            assert value in parameter["enum"], f"{name}={value} is none of {parameter['enum']}"
    for name, parameter in known.items():
        is_missing = parameter.get("required") and name not in query and f"*{name}" not in template
        assert not is_missing, f"{method} {template} demands the parameter {name}"


def _check_body(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any], sent: Any) -> None:
    if not sent:
        return  # some clients send {} where there is nothing to say
    body = next((p for p in operation.get("parameters", []) if p["in"] == "body"), None)
    assert body is not None, f"{method} {path} takes no body"
    schema = _converted(document, body["schema"], strict=True, nullable=False)
    _validate(f"the request {method} {path}", schema, sent)


def _check_answer(document: Mapping[str, Any], what: str, schema: Mapping[str, Any], answer: Any) -> None:
    converted = _converted(document, schema, strict=True, nullable=True)
    if isinstance(answer, list) and schema.get("type") != "array":
        converted = {"type": "array", "items": converted}
    _validate(f"the answer to {what}", converted, answer)


def _validate(what: str, schema: Mapping[str, Any], value: Any) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]
    assert not errors, f"{what} does not fit GitLab's description: " + "; ".join(errors[:8])


def _converted(document: Mapping[str, Any], schema: Mapping[str, Any], *, strict: bool, nullable: bool) -> Any:
    """A Swagger 2.0 schema as JSON Schema: references put in, unknown attributes refused, null where allowed."""
    key = (id(document), pickle.dumps(schema), strict, nullable)
    if key not in _CONVERTED:
        _CONVERTED[key] = _convert(document, schema, "", strict=strict, nullable=nullable)
    return _CONVERTED[key]


_CONVERTED: dict[tuple[int, bytes, bool, bool], Any] = {}


def _convert(document: Mapping[str, Any], schema: Mapping[str, Any], name: str, *, strict: bool, nullable: bool) -> Any:
    if "$ref" in schema:
        target = schema["$ref"].removeprefix("#/definitions/")
        entity = target.removeprefix("API_Entities_")
        return _convert(document, document["definitions"][target], entity, strict=strict, nullable=nullable)
    kind = schema.get("type")
    out: dict[str, Any] = {}
    if "properties" in schema:
        out["properties"] = {
            attribute: _attribute(document, name, attribute, inner, strict=strict, nullable=nullable)
            for attribute, inner in schema["properties"].items()
        }
        out["properties"] |= {attribute: {} for attribute in MORE_ATTRIBUTES.get(name, ())}
        out["additionalProperties"] = not strict
        if "required" in schema:
            out["required"] = [attribute for attribute in schema["required"] if attribute not in CONDITIONAL]
    if "items" in schema:
        out["items"] = _convert(document, schema["items"], "", strict=strict, nullable=nullable)
    if "enum" in schema:
        out["enum"] = [*schema["enum"], None] if nullable else schema["enum"]
    if kind == "number":
        kind = ["number", "integer"]
    if kind and kind != "file":
        kinds = kind if isinstance(kind, list) else [kind]
        out["type"] = [*kinds, "null"] if nullable else kinds
    return out


def _attribute(
    document: Mapping[str, Any], entity: str, attribute: str, schema: Mapping[str, Any], *, strict: bool, nullable: bool
) -> Any:
    real = UNTYPED.get((entity, attribute)) or UNTYPED.get((SAME_AS.get(entity, ""), attribute))
    if real is not None:
        return {"type": [real, "null"]}
    if attribute == SCOPES:
        return {"type": "array", "items": {"type": "string"}}
    return _convert(document, schema, "", strict=strict, nullable=nullable)


def checked_session() -> requests.Session:
    """A session whose every exchange under /api/v4 is checked. Without the document nothing is, so that the tests of
    behaviour still run (`test_gitlab_server_openapi` says by its skip that they ran unchecked); in CI they fail."""
    session = requests.Session()
    session.trust_env = False
    if _place().exists() or os.environ.get("CI") == "true":
        session.hooks["response"].append(_check_response)
    return session


def _check_response(response: requests.Response, **_: Any) -> None:
    request = response.request
    parts = urlsplit(request.url or "")
    if not parts.path.startswith(API):
        return
    sent, is_json = None, request.headers.get("Content-Type", "").startswith("application/json")
    if is_json and request.body:
        sent = json.loads(request.body)
    has_answer = response.headers.get("Content-Type", "") == "application/json" and request.method != "HEAD"
    check_exchange(
        request.method or "",
        parts.path,
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        sent,
        response.status_code,
        response.json() if has_answer else None,
    )
