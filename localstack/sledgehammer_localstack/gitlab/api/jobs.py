"""Jobs, their logs and artifacts, as a person sees them (Jobs and Job artifacts APIs)."""

from sledgehammer_localstack.gitlab import present_builds
from sledgehammer_localstack.gitlab.access import DEVELOPER, find_project
from sledgehammer_localstack.gitlab.answers import (
    Reply,
    bad_parameter,
    created,
    no_content,
    not_found,
    text,
    unauthorized,
)
from sledgehammer_localstack.gitlab.api.contents import readable
from sledgehammer_localstack.gitlab.api.pipelines import STATUSES
from sledgehammer_localstack.gitlab.builds.artifact_files import archive_member, archive_of, artifact_file, stream_file
from sledgehammer_localstack.gitlab.builds.changes import cancel_job, erase_job, play_job, retry_job
from sledgehammer_localstack.gitlab.builds.traces import read_trace
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import keyset_paged, paged
from sledgehammer_localstack.gitlab.records import Job, Pipeline, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes


def _job(call: Call, project: Project) -> Job:
    number = call.path["job_id"]
    query = "SELECT * FROM jobs WHERE project_id = ? AND id = ?"
    job = call.store.one(Job, query, project.id, int(number)) if number.isdigit() else None
    if job is None:
        raise not_found()
    return job


def _changeable(call: Call) -> tuple[Project, Job]:
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    return project, _job(call, project)


def _show(call: Call, project: Project, job_id: int) -> Reply:
    job = call.store.one(Job, "SELECT * FROM jobs WHERE id = ?", job_id)
    assert job is not None  # noqa: S101 - read or made in this request
    return created(present_builds.job(call.services, project, job))


def listing(call: Call) -> Reply:
    """A project's jobs, newest first, retried ones included."""
    project = readable(call)
    found = call.store.all(Job, "SELECT * FROM jobs WHERE project_id = ? ORDER BY id DESC", project.id)
    if wanted := call.params.texts("scope"):
        if any(scope not in STATUSES for scope in wanted):
            raise bad_parameter("scope does not have a valid value")
        found = [job for job in found if job.status in wanted]
    if call.params.text("pagination") == "keyset":
        return keyset_paged(
            call, found, lambda job: present_builds.job(call.services, project, job), key=lambda job: job.id
        )
    return paged(call, found, lambda job: present_builds.job(call.services, project, job))


def show(call: Call) -> Reply:
    """One job."""
    project = readable(call)
    return Reply(payload=present_builds.job(call.services, project, _job(call, project)))


def of_token(call: Call) -> Reply:
    """The running job whose token asks."""
    job = call.caller.job
    if job is None:
        raise unauthorized()
    project = find_project(call.store, call.caller, str(job.project_id))
    return Reply(payload=present_builds.job(call.services, project, job))


def trace(call: Call) -> Reply:
    """The whole log; GitLab ignores Range here (lib/api/ci/jobs.rb), and so does this."""
    project = readable(call)
    return text(read_trace(call.services, _job(call, project).id))


def cancel(call: Call) -> Reply:
    """Cancel a job that has not ended."""
    project, job = _changeable(call)
    cancel_job(call.services, job)
    return _show(call, project, job.id)


def retry(call: Call) -> Reply:
    """Run an ended job once more; the answer is the new job."""
    project, job = _changeable(call)
    return _show(call, project, retry_job(call.services, job, call.user))


def play(call: Call) -> Reply:
    """Start a manual job."""
    project, job = _changeable(call)
    sent = call.params.objects("job_variables_attributes") or []
    pairs = tuple((one.required("key"), one.text("value") or "") for one in sent)
    play_job(call.services, job, call.user, pairs)
    started = _job(call, project)
    return Reply(payload=present_builds.job_basic(call.services, project, started))


def erase(call: Call) -> Reply:
    """Remove an ended job's log and artifacts."""
    project, job = _changeable(call)
    erase_job(call.services, job)
    return _show(call, project, job.id)


def _archive(call: Call, job: Job) -> Reply:
    archive = archive_of(call.services, job.id)
    if archive is None:
        raise not_found()
    headers = {
        "Content-Length": str(archive.size),
        "Content-Disposition": f'attachment; filename="{archive.filename}"',
    }
    body = stream_file(artifact_file(call.services, job.id, "archive"))
    return Reply(stream=body, headers=headers, content_type="application/octet-stream")


def archive(call: Call) -> Reply:
    """A job's artifact archive."""
    return _archive(call, _job(call, readable(call)))


def archive_file(call: Call) -> Reply:
    """One file out of a job's archive."""
    job = _job(call, readable(call))
    return _member(call, job)


def _member(call: Call, job: Job) -> Reply:
    if archive_of(call.services, job.id) is None:
        raise not_found()
    data = archive_member(artifact_file(call.services, job.id, "archive"), call.path["artifact_path"])
    if data is None:
        raise not_found()
    return Reply(stream=(data,), content_type="application/octet-stream")


def _newest(call: Call) -> Job:
    """The newest successful job of a name in a ref's newest successful pipeline."""
    project = readable(call)
    name = call.params.required("job")
    query = "SELECT * FROM pipelines WHERE project_id = ? AND ref = ? AND status = 'success' ORDER BY id DESC"
    for pipeline in call.store.all(Pipeline, query, project.id, call.path["ref_name"]):
        query = "SELECT * FROM jobs WHERE pipeline_id = ? AND name = ? AND retried = 0 AND status = 'success'"
        job = call.store.one(Job, query, pipeline.id, name)
        if job is not None:
            return job
    raise not_found()


def newest_archive(call: Call) -> Reply:
    """The archive of the newest successful job of a name on a ref."""
    return _archive(call, _newest(call))


def newest_file(call: Call) -> Reply:
    """One file out of that archive."""
    return _member(call, _newest(call))


def delete_artifacts(call: Call) -> Reply:
    """Remove a job's archive; its log stays."""
    _, job = _changeable(call)
    for row in call.store.texts("SELECT id FROM artifacts WHERE job_id = ? AND kind = 'archive'", job.id):
        call.store.delete("artifacts", int(row))
    artifact_file(call.services, job.id, "archive").unlink(missing_ok=True)
    return no_content()


_J = "/api/v4/projects/{id}/jobs"
ROUTES: tuple[Route, ...] = (
    reads("/api/v4/job", of_token, job_token=True),
    reads(_J, listing),
    reads(f"{_J}/artifacts/{{ref_name}}/download", newest_archive, job_token=True),
    reads(f"{_J}/artifacts/{{ref_name}}/raw/{{artifact_path:path}}", newest_file, job_token=True),
    reads(f"{_J}/{{job_id}}", show),
    reads(f"{_J}/{{job_id}}/trace", trace),
    writes("POST", f"{_J}/{{job_id}}/cancel", cancel),
    writes("POST", f"{_J}/{{job_id}}/retry", retry),
    writes("POST", f"{_J}/{{job_id}}/play", play),
    writes("POST", f"{_J}/{{job_id}}/erase", erase),
    reads(f"{_J}/{{job_id}}/artifacts", archive, job_token=True),
    writes("DELETE", f"{_J}/{{job_id}}/artifacts", delete_artifacts),
    reads(f"{_J}/{{job_id}}/artifacts/{{artifact_path:path}}", archive_file, job_token=True),
)
