"""Handing jobs to runners: choosing, claiming, and building what the runner gets."""

import secrets
from dataclasses import dataclass

from sledgehammer.secret import Secret
from sledgehammer_localstack.ci.facts import Dependency, RunFacts, RunnerFacts
from sledgehammer_localstack.ci.model import Variable as CiVariable
from sledgehammer_localstack.ci.payload import JobContext, Payload, job_payload
from sledgehammer_localstack.ci.scheduling import artifact_sources
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.access import ancestors, namespace_by_id, user_by_id
from sledgehammer_localstack.gitlab.builds.artifact_files import archive_of, dotenv_variables
from sledgehammer_localstack.gitlab.builds.definitions import load_job
from sledgehammer_localstack.gitlab.builds.facts import (
    given_variables,
    pipeline_facts,
    project_facts,
    server_facts,
    setting_variables,
)
from sledgehammer_localstack.gitlab.builds.id_tokens import id_tokens
from sledgehammer_localstack.gitlab.builds.progress import advance_pipeline, current_jobs, job_states
from sledgehammer_localstack.gitlab.identity import digest
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import Job, Pipeline, Project, Runner
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A job that now belongs to a runner."""

    job: Job
    token: Secret


def take_job(services: Services, runner: Runner, *, cancels_gracefully: bool) -> Payload | None:
    """The oldest job that this runner may have, now running, as the runner's payload; None when there is none."""
    claim = _claim(services, runner, cancels_gracefully)
    return None if claim is None else _payload(services, runner, claim)


def _claim(services: Services, runner: Runner, cancels_gracefully: bool) -> _Claim | None:
    """Mark a job as running under the write lock, so that no two runners get the same."""
    store = services.store
    if runner.paused or not store.count("SELECT count(*) FROM jobs WHERE status = 'pending'"):
        return None
    with store.transaction():
        waiting = store.all(Job, "SELECT * FROM jobs WHERE status = 'pending' ORDER BY queued_at, id")
        chosen = next((job for job in waiting if _suits(store, runner, job)), None)
        if chosen is None:
            return None
        token, moment = f"glcbt-{secrets.token_hex(20)}", timestamps.now()
        timeout_s = min(chosen.timeout_s, runner.maximum_timeout or chosen.timeout_s)
        store.update(
            "jobs",
            chosen.id,
            status="running",
            runner_id=runner.id,
            digest=digest(token),
            started_at=moment,
            heard_at=moment,
            timeout_s=timeout_s,
            cancels_gracefully=cancels_gracefully,
        )
        advance_pipeline(services, chosen.pipeline_id)
        claimed = store.one(Job, "SELECT * FROM jobs WHERE id = ?", chosen.id)
        assert claimed is not None  # noqa: S101 - updated above
    return _Claim(job=claimed, token=Secret(token, source="job token"))


def _suits(store: Store, runner: Runner, job: Job) -> bool:
    if not set(job.tag_list) <= set(runner.tag_list) or not (job.tag_list or runner.run_untagged):
        return False
    project = _project(store, job.project_id)
    if runner.runner_type == "project_type":
        return runner.project_id == project.id
    if runner.runner_type == "group_type":
        chain = ancestors(store, namespace_by_id(store, project.namespace_id))
        return any(one.id == runner.namespace_id for one in chain)
    return build_settings(project).takes_instance_runners


def _project(store: Store, project_id: int) -> Project:
    project = store.one(Project, "SELECT * FROM projects WHERE id = ?", project_id)
    assert project is not None  # noqa: S101 - foreign key of the job
    return project


def _payload(services: Services, runner: Runner, claim: _Claim) -> Payload:
    store, job = services.store, claim.job
    project = _project(store, job.project_id)
    pipeline = store.one(Pipeline, "SELECT * FROM pipelines WHERE id = ?", job.pipeline_id)
    assert pipeline is not None  # noqa: S101 - foreign key of the job
    facts = pipeline_facts(
        store, project, repository_of(services, project), pipeline, user_by_id(store, pipeline.user_id)
    )
    definition = load_job(job.definition)
    environment = definition.environment.name if definition.environment else None
    dependencies, dotenv = _from_earlier_jobs(services, pipeline, job)
    context = JobContext(
        server=server_facts(services),
        project=project_facts(project),
        pipeline=facts,
        run=RunFacts(
            id=job.id,
            token=claim.token,
            started_at=job.started_at or job.created_at,
            timeout_s=job.timeout_s,
            runner=RunnerFacts(id=runner.id, description=runner.description, tags=runner.tag_list),
        ),
        settings=setting_variables(store, project, is_protected=facts.is_ref_protected, environment=environment),
        given=(
            *given_variables(pipeline.variables),
            *given_variables(job.played_variables),
            *id_tokens(services, definition, job, project, facts),
        ),
        dotenv=dotenv,
        dependencies=dependencies,
    )
    return job_payload(definition, context)


def _from_earlier_jobs(
    services: Services, pipeline: Pipeline, job: Job
) -> tuple[tuple[Dependency, ...], tuple[CiVariable, ...]]:
    """The archives to download first, and the variables of dotenv reports."""
    states = job_states(current_jobs(services.store, pipeline.id))
    dependencies: list[Dependency] = []
    variables: list[CiVariable] = []
    for state in artifact_sources(load_job(job.definition), states, pipeline.stages):
        archive = archive_of(services, state.id)
        if archive is not None:
            dependencies.append(
                Dependency(id=state.id, name=state.job.name, filename=archive.filename, size_bytes=archive.size)
            )
        variables += dotenv_variables(services, state.id)
    return tuple(dependencies), tuple(variables)
