"""What a runner is handed for one job: the body of `POST /jobs/request` with status 201.

Source: GitLab Runner, common/network.go (JobResponse).
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sledgehammer_localstack.ci.facts import Dependency, PipelineFacts, ProjectFacts, RunFacts, ServerFacts
from sledgehammer_localstack.ci.model import Artifacts, Cache, Image, Job, Service, Variable
from sledgehammer_localstack.ci.predefined import REGISTRY_USER, predefined_variables, repository_url
from sledgehammer_localstack.ci.stored_files import REPORT_KINDS
from sledgehammer_localstack.ci.variables import expand_for_runner, expand_text, expanded_values, layered

TOKEN_PREFIXES = ("glpat-", "glrt-", "gldt-", "glcbt-", "glptt-", "glft-", "gloas-", "glagent-", "glsoat-", "glffct-")
# The reasons that a runner may give in `PUT /jobs/:id`; one that is not listed it sends as unknown_failure.
RUNNER_FAILURE_REASONS = (
    "unknown_failure", "script_failure", "runner_system_failure", "job_execution_timeout", "image_pull_failure",
    "unknown", "configuration_error", "runner_unsupported",
)  # fmt: skip

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """Everything around a job that is about to run. `settings`: variables of instance, group and project in rising
    precedence, already chosen by scope and protection; `given`: with the trigger, the API call or the push, and
    with playing a manual job; `dotenv`: from reports of the jobs before."""

    server: ServerFacts
    project: ProjectFacts
    pipeline: PipelineFacts
    run: RunFacts
    settings: tuple[Variable, ...] = ()
    given: tuple[Variable, ...] = ()
    dotenv: tuple[Variable, ...] = ()
    dependencies: tuple[Dependency, ...] = ()


def job_payload(job: Job, context: JobContext) -> Payload:
    """The JSON object for the runner. It holds the job token in clear."""
    variables = job_variables(job, context)
    token = context.run.token.reveal()
    return {
        "id": context.run.id,
        "token": token,
        "allow_git_fetch": True,
        "job_info": {
            "id": context.run.id,
            "name": job.name,
            "stage": job.stage,
            "project_id": context.project.id,
            "project_name": context.project.path,
        },
        "git_info": _git_info(context, variables),
        "runner_info": {"timeout": context.run.timeout_s, "runner_session_url": None},
        "variables": [_variable(variable) for variable in variables],
        "steps": _steps(job, context.run.timeout_s),
        "image": _image(job.image) if job.image else None,
        "services": [_service(service) for service in job.services],
        "artifacts": _artifacts(job.artifacts) if job.artifacts else [],
        "cache": [_cache(cache, is_protected=context.pipeline.is_ref_protected) for cache in job.caches],
        "credentials": [
            {"type": "registry", "url": context.server.registry, "username": REGISTRY_USER, "password": token}
        ],
        "dependencies": [_dependency(dependency, token) for dependency in context.dependencies],
        "features": {
            "trace_sections": True,
            "token_mask_prefixes": list(TOKEN_PREFIXES),
            "failure_reasons": list(RUNNER_FAILURE_REASONS),
        },
        "secrets": {},
    }


def job_variables(job: Job, context: JobContext) -> tuple[Variable, ...]:
    """All variables of a job, each key once, in GitLab's precedence and with references put in."""
    predefined = predefined_variables(context.server, context.project, context.pipeline, context.run, job)
    lower = layered(predefined, job.variables)
    upper = (context.dotenv, context.settings, context.given)
    return expand_for_runner(layered(lower, _environment(job, layered(lower, *upper)), *upper))


def environment_slug(name: str) -> str:
    """CI_ENVIRONMENT_SLUG: at most 24 characters, a letter first; a changed name gains six characters of its hash.

    Source: GitLab, lib/gitlab/slug/environment.rb."""
    simple = "".join(c if c.isascii() and (c.islower() or c.isdigit()) else "-" for c in name.lower())
    simple = simple if simple[:1].isalpha() else f"env-{simple}"
    while "--" in simple:
        simple = simple.replace("--", "-")
    if len(simple) <= 24 and simple == name:
        return simple.removesuffix("-")
    number, digits = int(hashlib.sha256(name.encode()).hexdigest(), 16), ""
    while len(digits) < 6:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"{simple[:17].removesuffix('-')}-{digits}"


def _environment(job: Job, variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
    if job.environment is None:
        return ()
    values = {
        "CI_ENVIRONMENT_NAME": job.environment.name,
        "CI_ENVIRONMENT_SLUG": environment_slug(job.environment.name),
        "CI_ENVIRONMENT_ACTION": "start",
    }
    if job.environment.url is not None:
        values["CI_ENVIRONMENT_URL"] = expand_text(job.environment.url, expanded_values(variables) | values)
    return tuple(Variable(key=key, value=value) for key, value in values.items())


def _git_info(context: JobContext, variables: tuple[Variable, ...]) -> Payload:
    pipeline = context.pipeline
    depth = next((v.value for v in variables if v.key == "GIT_DEPTH"), "")
    depth_value = int(depth) if depth.isdigit() else context.project.git_depth
    kept = f"refs/pipelines/{pipeline.id}"
    ref = pipeline.ref if depth_value else "*"
    branches, tags = f"+refs/heads/{ref}:refs/remotes/origin/{ref}", f"+refs/tags/{ref}:refs/tags/{ref}"
    wanted = [tags if pipeline.is_tag else branches] if depth_value else [branches, tags]
    return {
        "repo_url": repository_url(context.server, context.project, context.run.token.reveal()),
        "ref": pipeline.ref,
        "sha": pipeline.commit.sha,
        "before_sha": pipeline.commit.before_sha,
        "ref_type": "tag" if pipeline.is_tag else "branch",
        "refspecs": [f"+{kept}:{kept}", *wanted],
        "depth": depth_value,
    }


def _variable(variable: Variable) -> Payload:
    return {
        "key": variable.key,
        "value": variable.value,
        "public": variable.public,
        "masked": variable.masked,
        "file": variable.file,
        "raw": variable.raw,
    }


def _steps(job: Job, timeout_s: int) -> list[Payload]:
    script = {
        "name": "script",
        "script": [*job.before_script, *job.script],
        "timeout": timeout_s,
        "when": "on_success",
        "allow_failure": False,
    }
    after = {
        "name": "after_script",
        "script": list(job.after_script),
        "timeout": timeout_s,
        "when": "always",
        "allow_failure": True,
    }
    return [script, after] if job.after_script else [script]


def _image(image: Image) -> Payload:
    return {
        "name": image.name,
        **({} if image.entrypoint is None else {"entrypoint": list(image.entrypoint)}),
        **({"pull_policy": list(image.pull_policy)} if image.pull_policy else {}),
    }


def _service(service: Service) -> Payload:
    return {
        **_image(Image(name=service.name, entrypoint=service.entrypoint, pull_policy=service.pull_policy)),
        **({} if service.alias is None else {"alias": service.alias}),
        **({} if service.command is None else {"command": list(service.command)}),
        "variables": [_variable(variable) for variable in service.variables],
    }


def _artifacts(artifacts: Artifacts) -> list[Payload]:
    expiry = {} if artifacts.expire_in is None else {"expire_in": artifacts.expire_in}
    archive = {
        **({} if artifacts.name is None else {"name": artifacts.name}),
        "untracked": artifacts.untracked,
        "paths": list(artifacts.paths),
        **({"exclude": list(artifacts.exclude)} if artifacts.exclude else {}),
        "when": artifacts.when,
        **expiry,
        "artifact_type": "archive",
        "artifact_format": "zip",
    }
    reports = [
        {
            "name": REPORT_KINDS[report.kind][0],
            "paths": list(report.paths),
            "when": "always",
            **expiry,
            "artifact_type": report.kind,
            "artifact_format": REPORT_KINDS[report.kind][1],
        }
        for report in artifacts.reports
    ]
    return [archive, *reports] if artifacts.paths or artifacts.untracked else reports


def _cache(cache: Cache, *, is_protected: bool) -> Payload:
    # GitLab keeps caches of protected and other branches apart: ci/caching, "Use the same cache for all branches".
    suffix = ("-protected" if is_protected else "-non_protected") if cache.protectable else ""
    return {
        "key": cache.key + suffix,
        "untracked": cache.untracked,
        "policy": cache.policy,
        "paths": list(cache.paths),
        "when": cache.when,
        "fallback_keys": [key + suffix for key in cache.fallback_keys],
    }


def _dependency(dependency: Dependency, token: str) -> Payload:
    return {
        "id": dependency.id,
        "name": dependency.name,
        "token": token,
        "artifacts_file": {"filename": dependency.filename, "size": dependency.size_bytes},
    }
