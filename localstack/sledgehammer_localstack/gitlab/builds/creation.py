"""Making a pipeline of a commit: compile its CI file, store pipeline and jobs, start the first of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from sledgehammer_localstack.ci.compiler import compile_pipeline
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Filtered, Job
from sledgehammer_localstack.ci.predefined import pipeline_variables
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.builds.definitions import dump_job
from sledgehammer_localstack.gitlab.builds.facts import (
    given_variables,
    pipeline_facts,
    project_facts,
    server_facts,
    setting_variables,
)
from sledgehammer_localstack.gitlab.builds.progress import advance_pipeline
from sledgehammer_localstack.gitlab.git.repository import ZERO_SHA
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import Pipeline, Project, User
from sledgehammer_localstack.gitlab.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRequest:
    """What asks for a pipeline. `variables` are (key, value) pairs, with a type as third where it is `file`."""

    ref: str
    sha: str
    is_tag: bool
    source: str
    before_sha: str = ZERO_SHA
    variables: tuple[tuple[str, ...], ...] = ()
    is_skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPipeline:
    """Why there is none: no CI file, or one whose rules leave out everything, or (API only) an invalid one."""

    sentences: tuple[str, ...]


def create_pipeline(
    services: Services, project: Project, user: User, request: PipelineRequest
) -> Pipeline | NoPipeline:
    """Make and start a pipeline. A push with an invalid CI file gets a failed pipeline that carries the errors, as on
    GitLab; an API call gets NoPipeline."""
    draft = draft_pipeline(project, user, request)
    repository = repository_of(services, project)
    draft = replace(draft, committed_at=timestamps.iso(timestamps.parse(repository.commit(request.sha).committed_at)))
    try:
        source = pipeline_source(services, project, user, draft)
        if source.read_file(source.config_path) is None:
            return NoPipeline(sentences=("Missing CI config file",))
        if request.is_skipped:
            return _store(services, replace(draft, status="skipped"), (), project)
        compiled = compile_pipeline(source)
    except CiConfigError as error:
        if request.source != "push":
            return NoPipeline(sentences=error.sentences)
        failed = replace(draft, status="failed", yaml_errors="; ".join(error.sentences), finished_at=draft.created_at)
        return _store(services, failed, (), project)
    if isinstance(compiled, Filtered):
        return NoPipeline(sentences=(compiled.reason,))
    named = replace(draft, name=compiled.name, stages=compiled.stages)
    return _store(services, named, compiled.jobs, project)


def draft_pipeline(project: Project, user: User, request: PipelineRequest) -> Pipeline:
    """A pipeline that is not stored yet: its ids are 0."""
    moment = timestamps.now()
    triples = [(*pair, "env_var")[:3] for pair in request.variables]
    return Pipeline(
        id=0,
        iid=0,
        project_id=project.id,
        sha=request.sha,
        before_sha=request.before_sha,
        ref=request.ref,
        tag=request.is_tag,
        source=request.source,
        status="created",
        name=None,
        yaml_errors=None,
        stages=(),
        variables=json.dumps(triples),
        user_id=user.id,
        created_at=moment,
        updated_at=moment,
        started_at=None,
        finished_at=None,
        committed_at=None,
    )


def pipeline_source(
    services: Services, project: Project, user: User, pipeline: Pipeline, *, content: str | None = None
) -> PipelineSource:
    """What the compiler reads; `content` stands in for the CI file of the commit (lint)."""
    repository = repository_of(services, project)
    facts = pipeline_facts(services.store, project, repository, pipeline, user)
    config_path = build_settings(project).config_path

    def read_file(path: str) -> str | None:
        if content is not None and path == config_path:
            return content
        data = repository.read(pipeline.sha, path) if pipeline.sha else None
        return None if data is None else data.decode(errors="replace")

    changed: Callable[[], frozenset[str]] | None = None
    if pipeline.source == "push" and not pipeline.tag and pipeline.before_sha != ZERO_SHA:

        def changed() -> frozenset[str]:
            return repository.changed_paths(pipeline.before_sha, pipeline.sha)

    return PipelineSource(
        read_file=read_file,
        list_files=lambda: repository.files(pipeline.sha) if pipeline.sha else (),
        config_path=config_path,
        changed_paths=changed,
        predefined=pipeline_variables(server_facts(services), project_facts(project), facts),
        settings=setting_variables(services.store, project, is_protected=facts.is_ref_protected, environment=None),
        given=given_variables(pipeline.variables),
    )


def _store(services: Services, pipeline: Pipeline, jobs: tuple[Job, ...], project: Project) -> Pipeline:
    store = services.store
    columns = {name: getattr(pipeline, name) for name in Pipeline.__slots__ if name not in ("id", "iid")}
    with store.transaction():
        iid = store.count("SELECT next_pipeline_iid FROM projects WHERE id = ?", project.id)
        store.update("projects", project.id, next_pipeline_iid=iid + 1)
        pipeline_id = store.insert("pipelines", iid=iid, **columns)
        # What jobs fetch: stays when the branch moves on or goes (GitLab docs, "persistent pipeline refs").
        repository_of(services, project).git_checked("update-ref", f"refs/pipelines/{pipeline_id}", pipeline.sha)
        for job in jobs:
            add_job(services, project, replace(pipeline, id=pipeline_id), job, user_id=pipeline.user_id)
        if jobs:
            advance_pipeline(services, pipeline_id)
    services.work.announce()
    stored = store.one(Pipeline, "SELECT * FROM pipelines WHERE id = ?", pipeline_id)
    assert stored is not None  # noqa: S101 - inserted above
    return stored


def add_job(
    services: Services, project: Project, pipeline: Pipeline, job: Job, *, user_id: int, attempt: int = 0
) -> int:
    """A job in state created; gives its id."""
    return services.store.insert(
        "jobs",
        project_id=project.id,
        pipeline_id=pipeline.id,
        name=job.name,
        stage=job.stage,
        status="created",
        definition=dump_job(job),
        allow_failure=job.allow_failure,
        tag_list=job.tags,
        timeout_s=job.timeout_s or build_settings(project).timeout_s,
        attempt=attempt,
        retried=False,
        user_id=user_id,
        created_at=timestamps.now(),
    )
