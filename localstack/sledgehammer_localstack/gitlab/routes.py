"""All that the server answers to. REST and GraphQL first: the patterns of git's paths would take anything."""

from sledgehammer_localstack.gitlab import registry_tokens
from sledgehammer_localstack.gitlab.api import (
    access_tokens,
    commits,
    contents,
    deploy_tokens,
    groups,
    imports,
    job_token_scope,
    jobs,
    lint,
    members,
    merge_requests,
    meta,
    openid,
    pipelines,
    projects,
    protected_tags,
    refs,
    registry,
    registry_rules,
    runner_protocol,
    runners,
    schedules,
    users,
    variables,
)
from sledgehammer_localstack.gitlab.git import smart_http
from sledgehammer_localstack.gitlab.graphql import endpoint as graphql
from sledgehammer_localstack.gitlab.routing import Route


def all_routes() -> tuple[Route, ...]:
    """Every route, in the order they are tried."""
    modules = (
        meta,
        openid,
        users,
        groups,
        projects,
        imports,
        members,
        variables,
        access_tokens,
        deploy_tokens,
        contents,
        commits,
        merge_requests,
        refs,
        protected_tags,
        pipelines,
        schedules,
        jobs,
        lint,
        runners,
        runner_protocol,
        registry,
        registry_rules,
        job_token_scope,
        registry_tokens,
        graphql,
        smart_http,
    )
    return tuple(route for module in modules for route in module.ROUTES)
