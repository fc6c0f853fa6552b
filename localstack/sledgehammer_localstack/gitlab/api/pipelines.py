"""Pipelines (Pipelines API)."""

from sledgehammer_localstack.gitlab import present_builds
from sledgehammer_localstack.gitlab.access import DEVELOPER, OWNER, find_project, project_level, refusal, user_by_id
from sledgehammer_localstack.gitlab.answers import Reply, bad_parameter, bad_request, created, no_content, not_found
from sledgehammer_localstack.gitlab.api.contents import readable
from sledgehammer_localstack.gitlab.builds.changes import cancel_jobs, delete_pipeline, retry_failed
from sledgehammer_localstack.gitlab.builds.creation import NoPipeline, PipelineRequest, create_pipeline
from sledgehammer_localstack.gitlab.builds.redundancy import cancel_redundant
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import Job, Pipeline, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import iso, parse

STATUSES = (
    "created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "success",
    "failed", "canceling", "canceled", "skipped", "manual", "scheduled",
)  # fmt: skip
SCOPES = ("running", "pending", "finished", "branches", "tags")
FINISHED = ("success", "failed", "canceled", "skipped")
ORDERS = ("id", "status", "ref", "updated_at", "user_id")


def _pipeline(call: Call) -> tuple[Project, Pipeline]:
    project = readable(call)
    query = "SELECT * FROM pipelines WHERE project_id = ? AND id = ?"
    number = call.path["pipeline_id"]
    pipeline = call.store.one(Pipeline, query, project.id, int(number)) if number.isdigit() else None
    if pipeline is None:
        raise not_found()
    return project, pipeline


def _changeable(call: Call) -> tuple[Project, Pipeline]:
    find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    return _pipeline(call)


def listing(call: Call) -> Reply:
    """A project's pipelines, filtered and ordered, newest first by default."""
    project, params = readable(call), call.params
    found = call.store.all(Pipeline, "SELECT * FROM pipelines WHERE project_id = ? ORDER BY id", project.id)
    for name in ("ref", "sha", "source", "name"):
        if (wanted := params.text(name)) is not None:
            found = [one for one in found if getattr(one, name) == wanted]
    if (status := params.choice("status", STATUSES)) is not None:
        found = [one for one in found if one.status == status]
    if (scope := params.choice("scope", SCOPES)) is not None:
        found = [one for one in found if _is_in(one, scope)]
    if (after := params.text("updated_after")) is not None:
        found = [one for one in found if one.updated_at > _moment(after, "updated_after")]
    if (before := params.text("updated_before")) is not None:
        found = [one for one in found if one.updated_at < _moment(before, "updated_before")]
    if (after := params.text("created_after")) is not None:
        found = [one for one in found if one.created_at > _moment(after, "created_after")]
    if (username := params.text("username")) is not None:
        found = [one for one in found if user_by_id(call.store, one.user_id).username == username]
    if (with_errors := params.flag("yaml_errors")) is not None:
        found = [one for one in found if (one.yaml_errors is not None) == with_errors]
    order = params.choice("order_by", ORDERS) or "id"
    descending = params.choice("sort", ("asc", "desc")) != "asc"
    found.sort(key=lambda one: (getattr(one, order) if order != "id" else "", one.id), reverse=descending)

    return paged(
        call, found, lambda one: {**present_builds.pipeline_basic(call.services, project, one), "name": one.name}
    )


def _is_in(one: Pipeline, scope: str) -> bool:
    if scope == "finished":
        return one.status in FINISHED
    if scope in ("branches", "tags"):
        return one.tag == (scope == "tags")
    return one.status == scope


def _moment(text: str, name: str) -> str:
    try:
        return iso(parse(text))
    except ValueError:
        raise bad_parameter(f"{name} is invalid") from None


def create(call: Call) -> Reply:
    """Start a pipeline on a branch or tag with variables."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    ref, pairs = call.params.required("ref"), []
    for variable in call.params.objects("variables") or []:
        kind = variable.choice("variable_type", ("env_var", "file")) or "env_var"
        pairs.append((variable.required("key"), variable.text("value") or "", kind))
    if not build_settings(project).is_enabled:
        raise refusal(call.caller)
    repository = repository_of(call.services, project)
    heads = repository.refs(f"refs/heads/{ref}")
    is_tag = f"refs/heads/{ref}" not in heads
    sha = repository.resolve(ref)
    if sha is None or (is_tag and f"refs/tags/{ref}" not in repository.refs(f"refs/tags/{ref}")):
        raise bad_request({"base": ["Reference not found"]})
    request = PipelineRequest(ref=ref, sha=sha, is_tag=is_tag, source="api", variables=tuple(pairs))
    made = create_pipeline(call.services, project, call.user, request)
    if isinstance(made, NoPipeline):
        raise bad_request({"base": list(made.sentences)})
    cancel_redundant(call.services, project, made)
    return created(present_builds.pipeline(call.services, project, made))


def latest(call: Call) -> Reply:
    """The newest pipeline of a ref's head commit, of the default branch unless said."""
    project = readable(call)
    ref = call.params.text("ref") or project.default_branch
    sha = repository_of(call.services, project).resolve(ref)
    query = "SELECT * FROM pipelines WHERE project_id = ? AND ref = ? AND sha = ? ORDER BY id DESC"
    found = call.store.one(Pipeline, query, project.id, ref, sha)
    if found is None:
        raise not_found("Pipeline")
    return Reply(payload=present_builds.pipeline_named(call.services, project, found))


def show(call: Call) -> Reply:
    """One pipeline."""
    project, pipeline = _pipeline(call)
    return Reply(payload=present_builds.pipeline_named(call.services, project, pipeline))


def variables(call: Call) -> Reply:
    """What the pipeline was created with."""
    _, pipeline = _changeable(call)
    return Reply(payload=present_builds.pipeline_variables(pipeline))


def jobs(call: Call) -> Reply:
    """The pipeline's jobs, last first; retried ones only on request."""
    project, pipeline = _pipeline(call)
    query = "SELECT * FROM jobs WHERE pipeline_id = ? ORDER BY id DESC"
    found = call.store.all(Job, query, pipeline.id)
    if not call.params.flag("include_retried"):
        found = [job for job in found if not job.retried]
    if wanted := call.params.texts("scope"):
        if any(scope not in STATUSES for scope in wanted):
            raise bad_parameter("scope does not have a valid value")
        found = [job for job in found if job.status in wanted]
    return paged(call, found, lambda job: present_builds.job(call.services, project, job))


def bridges(call: Call) -> Reply:
    """Trigger jobs; the compiler refuses those, so there are none."""
    _pipeline(call)
    return paged(call, [], lambda one: one)


def retry(call: Call) -> Reply:
    """Run the failed and cancelled jobs once more."""
    project, pipeline = _changeable(call)
    retry_failed(call.services, pipeline, call.user)
    return created(present_builds.pipeline(call.services, project, _pipeline(call)[1]))


def cancel(call: Call) -> Reply:
    """Cancel what has not ended."""
    project, pipeline = _changeable(call)
    cancel_jobs(call.services, pipeline.id)
    return created(present_builds.pipeline(call.services, project, _pipeline(call)[1]))


def delete(call: Call) -> Reply:
    """Remove a pipeline with its jobs, traces and artifacts; owners only."""
    project, pipeline = _changeable(call)
    if project_level(call.store, call.caller, project) < OWNER:
        raise refusal(call.caller)
    delete_pipeline(call.services, project, pipeline.id)
    return no_content()


_P = "/api/v4/projects/{id}"
ROUTES: tuple[Route, ...] = (
    reads(f"{_P}/pipelines", listing),
    writes("POST", f"{_P}/pipeline", create),
    reads(f"{_P}/pipelines/latest", latest),
    reads(f"{_P}/pipelines/{{pipeline_id}}", show),
    writes("DELETE", f"{_P}/pipelines/{{pipeline_id}}", delete),
    reads(f"{_P}/pipelines/{{pipeline_id}}/jobs", jobs),
    reads(f"{_P}/pipelines/{{pipeline_id}}/bridges", bridges),
    reads(f"{_P}/pipelines/{{pipeline_id}}/variables", variables),
    writes("POST", f"{_P}/pipelines/{{pipeline_id}}/retry", retry),
    writes("POST", f"{_P}/pipelines/{{pipeline_id}}/cancel", cancel),
)
