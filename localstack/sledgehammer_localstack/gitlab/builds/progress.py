"""Moving a pipeline on: which jobs start now, and what the pipeline then is."""

from collections.abc import Sequence

from sledgehammer_localstack.ci.model import JobStatus
from sledgehammer_localstack.ci.scheduling import JobState, advance
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.builds.definitions import load_job
from sledgehammer_localstack.gitlab.records import Job, Pipeline
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store

FINAL = ("success", "failed", "canceled", "skipped")
NOT_STARTED = ("created", "pending", "manual", "skipped")


def current_jobs(store: Store, pipeline_id: int) -> list[Job]:
    """The latest attempt of each job of a pipeline."""
    return store.all(Job, "SELECT * FROM jobs WHERE pipeline_id = ? AND retried = 0 ORDER BY id", pipeline_id)


def job_states(jobs: Sequence[Job]) -> list[JobState]:
    """Jobs as the scheduler sees them."""
    return [
        JobState(id=job.id, job=load_job(job.definition), status=JobStatus(job.status), exit_code=job.exit_code)
        for job in jobs
    ]


def advance_pipeline(services: Services, pipeline_id: int) -> None:
    """Start, skip or hold the jobs whose turn has come, and set the pipeline's status. Within a transaction."""
    store = services.store
    pipeline = store.one(Pipeline, "SELECT * FROM pipelines WHERE id = ?", pipeline_id)
    if pipeline is None:
        return
    moment = timestamps.now()
    step = advance(job_states(current_jobs(store, pipeline_id)), pipeline.stages)
    for transition in step.transitions:
        status = transition.status.value
        if status == "pending":
            store.update("jobs", transition.job_id, status=status, queued_at=moment)
        elif status == "skipped":
            store.update("jobs", transition.job_id, status=status, finished_at=moment)
        else:
            store.update("jobs", transition.job_id, status=status)
    status = step.status.value
    started_at = pipeline.started_at or (None if status in NOT_STARTED else moment)
    finished_at = (pipeline.finished_at or moment) if status in FINAL else None
    changes = {"status": status, "started_at": started_at, "finished_at": finished_at}
    if changes != {name: getattr(pipeline, name) for name in changes}:
        store.update("pipelines", pipeline_id, updated_at=moment, **changes)
