"""`POST /api/graphql`: one query a request. There are no mutations, and no list of queries in one request.

Refusals are GitLab's: a query that cannot be run is answered 200 with `errors` and without `data`, one that is too long
422, a token that is no good 401.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    parse,
    validate,
)

from sledgehammer_localstack.gitlab.answers import ApiError, Json, Reply
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.graphql.complexity import QueryCost, most_for
from sledgehammer_localstack.gitlab.graphql.description import description
from sledgehammer_localstack.gitlab.graphql.projects import Root
from sledgehammer_localstack.gitlab.identity import ANONYMOUS, Caller, caller_of_token
from sledgehammer_localstack.gitlab.routing import Route, open_to_all

log = logging.getLogger(__name__)

LONGEST_QUERY = 10_000
"""Characters (GraphQL API docs, "Maximum query size")."""

SCOPES = ("api", "read_api")

_UNKNOWN_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")


def answer(call: Call) -> Reply:
    """Run the query of the body."""
    asked = _body(call)
    text, variables = asked.get("query") or "", asked.get("variables") or {}
    if len(text) > LONGEST_QUERY:
        return _refused("Query too large", status=422)
    try:
        caller = _caller(call)
    except ApiError:
        return _refused("Invalid token", status=401)
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        return _refused(error.message)
    if _is_mutation(document):
        return _refused("Schema is not configured for mutations")
    if problems := validate(description(), document):
        return Reply(payload={"errors": [_problem(one) for one in problems]})
    return _run(replace(call, caller=caller), document, variables, asked.get("operationName"))


def _run(call: Call, document: DocumentNode, variables: Mapping[str, Any], operation: str | None) -> Reply:
    cost, most = QueryCost(description(), document, variables).total(), most_for(call.caller.user)
    if cost > most:
        return _refused(f"Query has complexity of {cost}, which exceeds max complexity of {most}")
    done = execute_sync(
        description(), document, root_value=Root(call), variable_values=dict(variables), operation_name=operation
    )
    for error in done.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            log.error("a GraphQL query failed: a bug of the local GitLab", exc_info=error.original_error)
    shown: Any = done.formatted
    return Reply(payload=shown)


def _caller(call: Call) -> Caller:
    """Who asks: nobody without a token. Raises ApiError for one that may not; a job's is not taken here."""
    bearer = call.request.headers.get("Authorization", "")
    token = bearer[7:].strip() if bearer.lower().startswith("bearer ") else call.request.headers.get("Private-Token")
    if token is None:
        return ANONYMOUS
    caller = caller_of_token(call.store, token)
    if not caller.has_scope(*SCOPES):
        raise ApiError(401, {})
    return caller


def _body(call: Call) -> Mapping[str, Any]:
    try:
        body = json.loads(call.request.get_data() or b"{}")
    except ValueError:
        body = {}
    if isinstance(body, list):
        raise ApiError(422, {"errors": [{"message": "This local GitLab takes one query a request"}]})
    return body if isinstance(body, dict) else {}


def _is_mutation(document: DocumentNode) -> bool:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return any(one.operation is not OperationType.QUERY for one in operations)


def _problem(error: GraphQLError) -> Json:
    """An error in GitLab's words where it is about a field that there is not, else in the library's."""
    shown: dict[str, Any] = dict(error.formatted)
    if (found := _UNKNOWN_FIELD.match(error.message)) is not None:
        shown["message"] = f"Field '{found['field']}' doesn't exist on type '{found['type']}'"
        shown["extensions"] = {
            "code": "undefinedField",
            "typeName": found["type"],
            "fieldName": found["field"],
        }
    return shown


def _refused(message: str, *, status: int = 200) -> Reply:
    return Reply(status=status, payload={"errors": [{"message": message}]})


ROUTES: tuple[Route, ...] = (open_to_all("POST", "/api/graphql", answer),)
