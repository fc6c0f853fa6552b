"""CI lint (Lint API): a project's CI file, or one that is sent, in the project's circumstances."""

from sledgehammer_localstack.ci.compiler import compile_pipeline, merged_yaml
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Filtered, Job
from sledgehammer_localstack.gitlab.access import DEVELOPER, find_project
from sledgehammer_localstack.gitlab.answers import Json, Reply, bad_parameter, not_found
from sledgehammer_localstack.gitlab.api.contents import readable
from sledgehammer_localstack.gitlab.builds.creation import PipelineRequest, draft_pipeline, pipeline_source
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.records import Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes


def lint_project(call: Call) -> Reply:
    """The CI file of a ref, the default branch's unless said."""
    project = readable(call)
    ref = call.params.text("content_ref") or call.params.text("sha")
    return _lint(call, project, ref or project.default_branch, content=None)


def lint_content(call: Call) -> Reply:
    """A CI file that is sent; includes are read from the ref, and of an empty repository there are none."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    content = call.params.text("content")
    if content is None:
        raise bad_parameter("content is missing")
    return _lint(call, project, call.params.text("ref") or project.default_branch, content=content)


def _lint(call: Call, project: Project, ref: str, *, content: str | None) -> Reply:
    sha = repository_of(call.services, project).resolve(ref)
    if sha is None and content is None:
        raise not_found("Commit")
    request = PipelineRequest(ref=call.params.text("dry_run_ref") or ref, sha=sha or "", is_tag=False, source="push")
    draft = draft_pipeline(project, call.user, request)
    source = pipeline_source(call.services, project, call.user, draft, content=content)
    if source.read_file(source.config_path) is None:
        return Reply(payload=_result(errors=["Please provide content of .gitlab-ci.yml"]))
    try:
        merged = merged_yaml(source)
        compiled = compile_pipeline(source)
    except CiConfigError as error:
        return Reply(payload=_result(errors=list(error.sentences)))
    if isinstance(compiled, Filtered):
        # Only a simulated pipeline (dry_run) says that it would have no jobs; the file itself is in order.
        errors = [compiled.reason] if call.params.flag("dry_run") else []
        return Reply(payload=_result(errors=errors, warnings=list(compiled.warnings), merged=merged))
    result = _result(errors=[], warnings=list(compiled.warnings), merged=merged)
    if call.params.flag("include_jobs"):
        result["jobs"] = [_job(job) for job in compiled.jobs]
    return Reply(payload=result)


def _result(*, errors: list[str], warnings: list[str] | None = None, merged: str | None = None) -> dict[str, Json]:
    return {
        "valid": not errors,
        "errors": errors,
        "warnings": warnings or [],
        "merged_yaml": merged,
        "includes": [],
    }


def _job(job: Job) -> Json:
    return {
        "name": job.name,
        "stage": job.stage,
        "before_script": list(job.before_script),
        "script": list(job.script),
        "after_script": list(job.after_script),
        "tag_list": list(job.tags),
        "environment": job.environment.name if job.environment else None,
        "when": job.when.value,
        "allow_failure": job.allow_failure,
        "needs": None if job.needs is None else [{"name": need.job, "artifacts": need.artifacts} for need in job.needs],
    }


ROUTES: tuple[Route, ...] = (
    reads("/api/v4/projects/{id}/ci/lint", lint_project),
    writes("POST", "/api/v4/projects/{id}/ci/lint", lint_content),
)
