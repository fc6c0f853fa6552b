"""The project settings that are kept and given back; those of these that mean something to this server say so."""

import json
from dataclasses import dataclass

from sledgehammer_localstack.gitlab.answers import Json
from sledgehammer_localstack.gitlab.parameters import Parameters
from sledgehammer_localstack.gitlab.records import Project

ACCESS = ("disabled", "private", "enabled")

DEFAULTS: dict[str, bool | int | str | None] = {
    "jobs_enabled": True,  # False: pushes and calls start no pipeline
    "container_registry_enabled": True,  # False: no token is granted for the registry
    "build_timeout": 3600,  # seconds, the limit of a job that names none
    "ci_config_path": None,  # where the CI file lies instead of .gitlab-ci.yml
    "ci_default_git_depth": 20,  # how much history a job fetches; 0 or null is all
    "build_git_strategy": "fetch",
    "auto_cancel_pending_pipelines": "enabled",  # disabled: pipelines of older commits go on
    "ci_forward_deployment_enabled": True,
    "ci_push_repository_for_job_token_allowed": False,  # True: a job's token may push to its own repository
    "issues_enabled": True,
    "merge_requests_enabled": True,
    "wiki_enabled": True,
    "snippets_enabled": True,
    "packages_enabled": True,
    "lfs_enabled": True,
    "service_desk_enabled": False,
    "shared_runners_enabled": True,  # False: the instance's runners take no job of it
    "group_runners_enabled": True,
    "public_jobs": True,
    "keep_latest_artifact": True,
    "request_access_enabled": True,
    "emails_enabled": True,
    "auto_devops_enabled": False,
    "only_allow_merge_if_pipeline_succeeds": False,
    "only_allow_merge_if_all_discussions_are_resolved": False,
    "remove_source_branch_after_merge": True,
    "merge_method": "merge",
    "squash_option": "default_off",
    "restrict_user_defined_variables": False,
    "ci_pipeline_variables_minimum_override_role": "developer",
}
ACCESS_SETTINGS = {
    "builds_access_level": "jobs_enabled",
    "container_registry_access_level": "container_registry_enabled",
    "issues_access_level": "issues_enabled",
    "merge_requests_access_level": "merge_requests_enabled",
    "wiki_access_level": "wiki_enabled",
    "snippets_access_level": "snippets_enabled",
    "repository_access_level": "",
}
JOB_SCOPE = "inbound_job_token_scope"
"""Kept with the settings, shown by a call of its own."""

MARKED = "marked_for_deletion_on"
"""The day, of a project that is going to be deleted; kept with the settings."""

CLEANUP = "container_expiration_policy"
CLEANUP_DEFAULTS: dict[str, bool | int | str | None] = {
    "cadence": "1d",
    "enabled": False,
    "keep_n": 10,
    "older_than": "90d",
    "name_regex": ".*",
    "name_regex_keep": None,
    "next_run_at": None,
}
"""Kept and shown; this server removes no tags by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """What a project says about its builds."""

    is_enabled: bool
    has_registry: bool
    timeout_s: int
    config_path: str
    git_depth: int
    takes_instance_runners: bool
    job_may_push: bool
    cancels_redundant: bool


def build_settings(project: Project) -> BuildSettings:
    """The settings that this server acts on."""
    values = DEFAULTS | json.loads(project.settings)
    return BuildSettings(
        is_enabled=bool(values["jobs_enabled"]),
        has_registry=bool(values["container_registry_enabled"]),
        timeout_s=int(values["build_timeout"]),
        config_path=str(values["ci_config_path"] or ".gitlab-ci.yml"),
        git_depth=int(values["ci_default_git_depth"] or 0),
        takes_instance_runners=bool(values["shared_runners_enabled"]),
        job_may_push=bool(values["ci_push_repository_for_job_token_allowed"]),
        cancels_redundant=values["auto_cancel_pending_pipelines"] == "enabled",
    )


def is_marked_for_deletion(project: Project) -> bool:
    """Whether it waits for its deletion."""
    return MARKED in json.loads(project.settings)


def changed_settings(current: str, params: Parameters) -> str:
    """The stored settings with those of a request over them, as JSON text."""
    values = json.loads(current)
    for name, default in DEFAULTS.items():
        if params.has(name):
            values[name] = _typed(params, name, default)
    for name, switch in ACCESS_SETTINGS.items():
        level = params.choice(name, ACCESS)
        if level is not None:
            values[name] = level
            if switch:
                values[switch] = level != "disabled"
    cleanup = params.object(f"{CLEANUP}_attributes")
    changed = {name: _typed(cleanup, name, value) for name, value in CLEANUP_DEFAULTS.items() if cleanup.has(name)}
    if changed:
        values[CLEANUP] = {**values.get(CLEANUP, {}), **changed}
    return json.dumps(values)


def shown_settings(project: Project) -> dict[str, Json]:
    """All settings, as a project's JSON has them."""
    values: dict[str, Json] = DEFAULTS | json.loads(project.settings)
    values.pop(JOB_SCOPE, None)
    values.setdefault(MARKED, None)
    values[CLEANUP] = CLEANUP_DEFAULTS | json.loads(project.settings).get(CLEANUP, {})
    for name, switch in ACCESS_SETTINGS.items():
        is_on = values[switch] if switch else True
        values.setdefault(name, "enabled" if is_on else "disabled")
    return values


def _typed(params: Parameters, name: str, default: bool | int | str | None) -> Json:
    if isinstance(default, bool):
        return params.flag(name)
    return params.number(name) if isinstance(default, int) else params.text(name)
