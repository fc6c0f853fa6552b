"""When which job starts: stages, needs, `when`, and what the pipeline then is.

Source of the order of the status rules: GitLab, lib/gitlab/ci/status/composite.rb and
app/services/ci/pipeline_processing/atomic_processing_service.rb.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sledgehammer_localstack.ci.model import Job, JobStatus, PipelineStatus, When


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Where one job stands, its latest attempt. `exit_code` of a failed script, where the runner told it."""

    id: int
    job: Job
    status: JobStatus
    exit_code: int | None = None

    @property
    def may_fail(self) -> bool:
        """Whether the failure of this job leaves the pipeline in order."""
        return self.job.allow_failure or self.exit_code in self.job.allow_failure_exit_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One job moves: to pending (a runner may have it), manual or skipped."""

    job_id: int
    status: JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What follows from where all jobs stand."""

    transitions: tuple[Transition, ...]
    status: PipelineStatus


class _Kind(Enum):
    """A job's part in the state of several: its status, but for failures and manual steps that are allowed."""

    CREATED = "created"
    MANUAL = "manual"
    PENDING = "pending"
    RUNNING = "running"
    CANCELING = "canceling"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    WARNED = "success_with_warnings"
    IGNORED = "ignored"


_FINAL = frozenset({PipelineStatus.SUCCESS, PipelineStatus.FAILED, PipelineStatus.CANCELED, PipelineStatus.SKIPPED})
_DONE = frozenset({_Kind.SUCCESS, _Kind.FAILED, _Kind.CANCELED, _Kind.SKIPPED, _Kind.WARNED})


def advance(states: Sequence[JobState], stages: Sequence[str]) -> Advance:
    """Move every created job that can move. `states` holds the latest attempt of each job of the pipeline."""
    current = {state.job.name: state for state in states}
    transitions: list[Transition] = []
    moved = True
    while moved:
        moved = False
        for state in tuple(current.values()):
            status = _next_status(state, current.values(), stages)
            if status is not None:
                current[state.job.name] = replace(state, status=status)
                transitions.append(Transition(job_id=state.id, status=status))
                moved = True
    return Advance(transitions=tuple(transitions), status=combined_status(current.values()) or PipelineStatus.SKIPPED)


def combined_status(states: Iterable[JobState], *, by_needs: bool = False) -> PipelineStatus | None:
    """The state of several jobs (a pipeline, a stage, or with `by_needs` what a job needs); None for no job."""
    kinds = frozenset(_kind(state) for state in states)
    if not kinds:
        return None
    if by_needs:
        if kinds & {_Kind.SKIPPED, _Kind.IGNORED}:
            return PipelineStatus.SKIPPED
        if not kinds <= _DONE:
            return PipelineStatus.PENDING
    passed = {_Kind.WARNED, _Kind.IGNORED}
    for status, allowed in (
        (PipelineStatus.SKIPPED, {_Kind.SKIPPED, _Kind.IGNORED}),
        (PipelineStatus.SUCCESS, {_Kind.SUCCESS, _Kind.SKIPPED, *passed}),
        (PipelineStatus.CREATED, {_Kind.CREATED, *passed}),
        (PipelineStatus.CANCELED, {_Kind.CANCELED, _Kind.SUCCESS, _Kind.SKIPPED, *passed}),
        (PipelineStatus.PENDING, {_Kind.PENDING, _Kind.CREATED, _Kind.SKIPPED, *passed}),
    ):
        if kinds <= allowed:
            return status
    for status, any_of in (
        (PipelineStatus.CANCELING, {_Kind.CANCELING}),
        (PipelineStatus.RUNNING, {_Kind.RUNNING, _Kind.PENDING}),
        (PipelineStatus.MANUAL, {_Kind.MANUAL}),
        (PipelineStatus.RUNNING, {_Kind.CREATED}),
    ):
        if kinds & any_of:
            return status
    return PipelineStatus.FAILED


def artifact_sources(job: Job, states: Sequence[JobState], stages: Sequence[str]) -> tuple[JobState, ...]:
    """The jobs whose artifacts a job downloads first: as `dependencies` says, else as `needs` says, else those of
    all earlier stages."""
    if job.needs is not None:
        names = {need.job for need in job.needs if need.artifacts}
    else:
        names = {state.job.name for state in _earlier(job, states, stages)}
    if job.dependencies is not None:
        names = names & set(job.dependencies) if job.needs is not None else set(job.dependencies)
    return tuple(state for state in states if state.job.name in names)


def skipped_after(job: Job, states: Sequence[JobState], stages: Sequence[str]) -> tuple[JobState, ...]:
    """The skipped jobs that get another chance when `job` is retried or played: those that came after it. Their
    status becomes created."""
    followers = {job.name}
    grown = True
    while grown:
        more = {s.job.name for s in states if s.job.needs and followers & {need.job for need in s.job.needs}}
        grown = not more <= followers
        followers |= more
    own = stages.index(job.stage)
    return tuple(
        state
        for state in states
        if state.status is JobStatus.SKIPPED
        and (state.job.name in followers or (state.job.needs is None and stages.index(state.job.stage) > own))
    )


def _next_status(state: JobState, states: Iterable[JobState], stages: Sequence[str]) -> JobStatus | None:
    if state.status is not JobStatus.CREATED:
        return None
    job = state.job
    if job.needs is None:
        before = combined_status(_earlier(job, states, stages))
    else:
        needed = {need.job for need in job.needs}
        before = combined_status((s for s in states if s.job.name in needed), by_needs=True)
    before = before or PipelineStatus.SUCCESS
    if before not in _FINAL:
        return None
    if before not in _statuses_that_start(job):
        return JobStatus.SKIPPED
    return JobStatus.MANUAL if job.when is When.MANUAL else JobStatus.PENDING


def _statuses_that_start(job: Job) -> frozenset[PipelineStatus]:
    if job.when is When.ON_FAILURE:
        return frozenset({PipelineStatus.FAILED})
    if job.when is When.ALWAYS:
        return frozenset({PipelineStatus.SUCCESS, PipelineStatus.FAILED, PipelineStatus.SKIPPED})
    if job.needs is not None:
        return frozenset({PipelineStatus.SUCCESS})
    return frozenset({PipelineStatus.SUCCESS, PipelineStatus.SKIPPED})


def _earlier(job: Job, states: Iterable[JobState], stages: Sequence[str]) -> list[JobState]:
    own = stages.index(job.stage)
    return [state for state in states if stages.index(state.job.stage) < own]


def _kind(state: JobState) -> _Kind:
    if state.may_fail and state.status in {JobStatus.FAILED, JobStatus.CANCELED}:
        return _Kind.WARNED
    if state.job.allow_failure and state.status is JobStatus.MANUAL:
        return _Kind.IGNORED
    return _Kind(state.status.value)
