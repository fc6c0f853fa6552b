"""What happens to jobs after they were made: ended by a runner, retried, cancelled, played, erased."""

import json
import shutil

from sledgehammer_localstack.ci.model import Job as CiJob
from sledgehammer_localstack.ci.retrying import should_retry
from sledgehammer_localstack.ci.scheduling import skipped_after
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.answers import ApiError, forbidden
from sledgehammer_localstack.gitlab.builds.creation import add_job
from sledgehammer_localstack.gitlab.builds.definitions import load_job
from sledgehammer_localstack.gitlab.builds.progress import advance_pipeline, current_jobs, job_states
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.records import Job, Pipeline, Project, User
from sledgehammer_localstack.gitlab.services import Services

UNFINISHED = ("created", "pending", "running", "canceling", "manual")
RETRYABLE = ("success", "failed", "canceled", "skipped")


def finish_job(
    services: Services, job: Job, *, succeeded: bool, failure_reason: str | None = None, exit_code: int | None = None
) -> None:
    """End a running job, retry it where its `retry:` says so, and move its pipeline on."""
    store, definition = services.store, load_job(job.definition)
    reason = None if succeeded else failure_reason or "unknown_failure"
    with store.transaction():
        current = store.one(Job, "SELECT * FROM jobs WHERE id = ?", job.id)
        if current is not None and current.status == "canceling":
            store.update("jobs", job.id, status="canceled", finished_at=timestamps.now())
            advance_pipeline(services, job.pipeline_id)
            return  # whatever its runner says
        if current is None or current.status != "running":
            return  # cancelled or failed by the watchdog in the meantime
        store.update(
            "jobs",
            job.id,
            status="success" if succeeded else "failed",
            failure_reason=reason,
            exit_code=exit_code,
            allow_failure=job.allow_failure or exit_code in definition.allow_failure_exit_codes,
            finished_at=timestamps.now(),
        )
        if reason is not None and _is_retried(definition, job, reason, exit_code):
            _clone(services, job, user_id=job.user_id, attempt=job.attempt + 1)
        advance_pipeline(services, job.pipeline_id)
    services.work.announce()


def _is_retried(definition: CiJob, job: Job, reason: str, exit_code: int | None) -> bool:
    return should_retry(definition, failure_reason=reason, exit_code=exit_code, retries_done=job.attempt)


def _clone(services: Services, job: Job, *, user_id: int, attempt: int) -> int:
    """Put a fresh copy of a job in its place, ready to run; gives the copy's id."""
    store = services.store
    project = store.one(Project, "SELECT * FROM projects WHERE id = ?", job.project_id)
    pipeline = store.one(Pipeline, "SELECT * FROM pipelines WHERE id = ?", job.pipeline_id)
    assert project is not None and pipeline is not None  # noqa: S101, PT018 - foreign keys of the job
    store.update("jobs", job.id, retried=True)
    fresh = add_job(services, project, pipeline, load_job(job.definition), user_id=user_id, attempt=attempt)
    store.update("jobs", fresh, status="pending", queued_at=timestamps.now(), played_variables=job.played_variables)
    return fresh


def retry_job(services: Services, job: Job, user: User) -> int:
    """Run an ended job once more; later jobs that were skipped for it wait again. Gives the new job's id."""
    if job.retried or job.status not in RETRYABLE:
        raise forbidden("Job is not retryable")
    with services.store.transaction():
        fresh = _clone(services, job, user_id=user.id, attempt=0)
        _reset_skipped(services, job.pipeline_id, job)
        _reopen(services, job.pipeline_id)
    services.work.announce()
    return fresh


def retry_failed(services: Services, pipeline: Pipeline, user: User) -> None:
    """Run the failed and cancelled jobs of a pipeline once more."""
    store = services.store
    with store.transaction():
        query = "SELECT * FROM jobs WHERE pipeline_id = ? AND retried = 0 AND status IN ('failed', 'canceled')"
        again = store.all(Job, query, pipeline.id)
        for job in again:
            if job.started_at is None and job.status == "canceled":
                store.update("jobs", job.id, status="created", finished_at=None)  # it had not had its turn
            else:
                _clone(services, job, user_id=user.id, attempt=0)
        _reset_skipped(services, pipeline.id, *again)
        _reopen(services, pipeline.id)
    services.work.announce()


def _reset_skipped(services: Services, pipeline_id: int, *jobs: Job) -> None:
    """Give the jobs that were skipped after any of `jobs` another chance."""
    store = services.store
    pipeline = store.one(Pipeline, "SELECT * FROM pipelines WHERE id = ?", pipeline_id)
    assert pipeline is not None  # noqa: S101 - foreign key of the jobs
    states = job_states(current_jobs(store, pipeline_id))
    for job in jobs:
        for state in skipped_after(load_job(job.definition), states, pipeline.stages):
            store.update("jobs", state.id, status="created", finished_at=None)


def _reopen(services: Services, pipeline_id: int) -> None:
    services.store.update("pipelines", pipeline_id, finished_at=None)
    advance_pipeline(services, pipeline_id)


def cancel_job(services: Services, job: Job) -> None:
    """Cancel one job; its runner learns of it by the Job-Status header of its next call."""
    with services.store.transaction():
        _cancel(services, job)
        advance_pipeline(services, job.pipeline_id)
    services.work.announce()


def cancel_jobs(services: Services, pipeline_id: int) -> None:
    """Cancel every job of a pipeline that has not ended."""
    with services.store.transaction():
        for job in services.store.all(Job, "SELECT * FROM jobs WHERE pipeline_id = ?", pipeline_id):
            _cancel(services, job)
        advance_pipeline(services, pipeline_id)
    services.work.announce()


def _cancel(services: Services, job: Job) -> None:
    if job.status == "running" and job.cancels_gracefully:
        services.store.update("jobs", job.id, status="canceling")  # until its runner has run the after_script
    elif job.status in UNFINISHED and job.status != "canceling":
        services.store.update("jobs", job.id, status="canceled", finished_at=timestamps.now())


def play_job(services: Services, job: Job, user: User, variables: tuple[tuple[str, str], ...]) -> None:
    """Start a manual job, with variables of its own."""
    if job.status != "manual":
        raise ApiError(400, {"message": "400 Bad request - Unplayable Job"})
    triples = json.dumps([(key, value, "env_var") for key, value in variables])
    moment = timestamps.now()
    with services.store.transaction():
        services.store.update(
            "jobs", job.id, status="pending", queued_at=moment, user_id=user.id, played_variables=triples
        )
        _reset_skipped(services, job.pipeline_id, job)
        _reopen(services, job.pipeline_id)
    services.work.announce()


def erase_job(services: Services, job: Job) -> None:
    """Remove an ended job's trace and artifacts."""
    if job.status in UNFINISHED or job.erased_at is not None:
        raise forbidden("Job is not erasable!")
    shutil.rmtree(services.job_dir(job.id), ignore_errors=True)
    store = services.store
    with store.transaction():
        for row in store.texts("SELECT id FROM artifacts WHERE job_id = ?", job.id):
            store.delete("artifacts", int(row))
        store.update("jobs", job.id, erased_at=timestamps.now(), trace_size=0)


def delete_pipeline(services: Services, project: Project, pipeline_id: int) -> None:
    """Remove a pipeline with all its jobs and their files."""
    jobs = services.store.texts("SELECT id FROM jobs WHERE pipeline_id = ?", pipeline_id)
    services.store.delete("pipelines", pipeline_id)
    repository_of(services, project).git_checked("update-ref", "-d", f"refs/pipelines/{pipeline_id}")
    for job_id in jobs:
        shutil.rmtree(services.job_dir(int(job_id)), ignore_errors=True)
