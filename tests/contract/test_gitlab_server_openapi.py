"""The check against GitLab's API description refuses what GitLab would not say or take."""

import re
from typing import Any

import pytest
from gitlab_openapi import check_exchange

from sledgehammer_localstack.gitlab.routes import all_routes

PIPELINE: dict[str, Any] = {"id": 1, "iid": 1, "project_id": 1, "sha": "a", "ref": "main", "status": "success"}


def test_a_fitting_exchange_passes() -> None:
    """Null is allowed anywhere in an answer; lists are checked entry by entry."""
    check_exchange("GET", "/api/v4/projects/1/pipelines", {"ref": "main"}, None, 200, [PIPELINE])
    check_exchange("GET", "/api/v4/projects/a%2Fb/pipelines", {}, None, 200, [{**PIPELINE, "source": None}])
    check_exchange("POST", "/api/v4/projects/1/variables", {}, {"key": "A", "value": "1"}, 201, {"key": "A"})
    check_exchange("GET", "/api/v4/projects/1", {}, None, 404, {"message": "404 Project Not Found"})


@pytest.mark.parametrize(
    ("method", "path", "query", "sent", "status", "answer", "sentence"),
    [
        ("GET", "/api/v4/projects/1/nothing", {}, None, 200, {}, "has no GET"),
        ("GET", "/api/v4/projects/1/pipelines", {"reff": "x"}, None, 200, [], "no query parameter reff"),
        ("GET", "/api/v4/projects/1/pipelines", {"status": "done"}, None, 200, [], "status=done"),
        ("GET", "/api/v4/projects/1/repository/compare", {"from": "a"}, None, 200, {}, "demands the parameter to"),
        ("GET", "/api/v4/projects/1/pipelines", {}, None, 200, [{**PIPELINE, "id": "1"}], "'1' is not of type"),
        ("GET", "/api/v4/projects/1/pipelines", {}, None, 200, [{**PIPELINE, "colour": 1}], "colour"),
        ("POST", "/api/v4/projects/1/variables", {}, {"key": "A"}, 201, {}, "'value' is a required property"),
        ("POST", "/api/v4/projects/1/variables", {}, {"key": "A", "value": 1}, 201, {}, "1 is not of type"),
        ("POST", "/api/v4/projects/1/variables", {}, {"key": "A", "value": ""}, 200, {}, "answered 200"),
        ("POST", "/api/v4/projects/1/pipelines/1/cancel", {}, {"force": True}, 201, {}, "takes no body"),
    ],
)
def test_a_wrong_exchange_is_named(
    method: str, path: str, query: dict[str, str], sent: Any, status: int, answer: Any, sentence: str
) -> None:
    """Unknown paths, parameters, attributes, types and statuses."""
    with pytest.raises(AssertionError, match=sentence):
        check_exchange(method, path, query, sent, status, answer)


def test_every_rest_route_of_the_local_gitlab_is_one_of_gitlabs() -> None:
    """A path that GitLab does not have would work here and fail there."""
    for route in all_routes():
        if route.pattern.startswith("/api/v4/"):
            check_exchange(route.method, re.sub(r"\{[^}]+\}", "1", route.pattern), status=404)
