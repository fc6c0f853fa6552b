"""What runners speak (lib/api/ci/runner.rb): verify, ask for a job, send its log, artifacts and end."""

import re

from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.answers import (
    ApiError,
    Reply,
    bad_parameter,
    bad_request,
    created,
    forbidden,
    no_content,
    not_found,
    text,
    unauthorized,
)
from sledgehammer_localstack.gitlab.builds.artifact_files import archive_of, artifact_file, store_artifact, stream_file
from sledgehammer_localstack.gitlab.builds.changes import finish_job
from sledgehammer_localstack.gitlab.builds.handout import take_job
from sledgehammer_localstack.gitlab.builds.traces import append_trace
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import digest, running_job_of_token
from sledgehammer_localstack.gitlab.records import Job, Runner
from sledgehammer_localstack.gitlab.routing import Route, open_to_all

TRACE_INTERVAL_S = 3  # what GitLab tells a runner whose log somebody watches
LAST_UPDATE = "X-GitLab-Last-Update"
FORMATS = ("zip", "gzip", "raw")
_RANGE = re.compile(r"(\d+)-(?:-?\d+)(?:/.*)?")


def _runner(call: Call) -> Runner:
    token = call.params.required("token")
    runner = call.store.one(Runner, "SELECT * FROM runners WHERE digest = ?", digest(token))
    if runner is None:
        raise forbidden()
    return runner


def verify(call: Call) -> Reply:
    """Whether an authentication token is a runner's."""
    runner = _runner(call)
    return Reply(payload={"id": runner.id, "token": call.params.required("token"), "token_expires_at": None})


def unregister(call: Call) -> Reply:
    """A runner says goodbye for ever."""
    call.store.delete("runners", _runner(call).id)
    return no_content()


def request_job(call: Call) -> Reply:
    """A job for this runner, or 204. A runner that already knows the state of the queue (`last_update`) is kept
    waiting for a while until it changes."""
    runner = _runner(call)
    info = call.params.object("info")
    said = {name: info.text(name) or "" for name in ("version", "revision", "platform", "architecture")}
    call.store.update("runners", runner.id, contacted_at=timestamps.now(), **said)
    graceful = info.object("features").flag("cancel_gracefully") or False
    work = call.services.work
    known = call.params.text("last_update") or call.request.headers.get(LAST_UPDATE, "")
    seen = work.value
    payload = take_job(call.services, runner, cancels_gracefully=graceful)
    if payload is None and known == seen and work.wait_for_change(seen, call.services.settings.long_poll_s):
        seen = work.value
        payload = take_job(call.services, runner, cancels_gracefully=graceful)
    if payload is None:
        return Reply(status=204, stream=(), headers={LAST_UPDATE: seen})
    return created(payload)


def _own_job(call: Call, token: str | None) -> Job:
    """The job of the path, if the token is its own and it runs. A job that ended otherwise is 403 with its status,
    which is how a runner learns of a cancel."""
    number = call.path["id"]
    job = call.store.one(Job, "SELECT * FROM jobs WHERE id = ?", int(number)) if number.isdigit() else None
    if job is None or not token or job.digest != digest(token):
        raise forbidden()
    if job.status not in ("running", "canceling"):
        raise ApiError(403, {"message": "403 Forbidden - Job is not processing on runner"}, {"Job-Status": job.status})
    return job


def _job_token(call: Call) -> str | None:
    return call.request.headers.get("Job-Token") or call.params.text("token")


def append(call: Call) -> Reply:
    """A piece of the log. 416 with the size it has where the piece does not follow on."""
    job = _own_job(call, _job_token(call))
    found = _RANGE.fullmatch(call.request.headers.get("Content-Range", ""))
    if found is None:
        raise bad_parameter("Missing header Content-Range")
    # Only the start counts: runners before 11.3 give as end the byte after the last, and GitLab takes both
    # (gitlab-runner issue 3275).
    data = call.request.get_data()
    fitted, size = append_trace(call.services, job, int(found[1]), data)
    headers = {
        "Range": f"0-{size}",
        "Job-Status": job.status,
        "X-GitLab-Trace-Update-Interval": str(TRACE_INTERVAL_S),
    }
    if not fitted:
        return Reply(status=416, payload={"message": "416 Range Not Satisfiable"}, headers=headers)
    return text(headers["Range"], status=202, headers=headers)


def update(call: Call) -> Reply:
    """The job goes on, or has ended."""
    job = _own_job(call, call.params.required("token"))
    state = call.params.choice("state", ("running", "success", "failed"))
    call.store.update("jobs", job.id, heard_at=timestamps.now())
    if state in ("success", "failed"):
        finish_job(
            call.services,
            job,
            succeeded=state == "success",
            failure_reason=call.params.text("failure_reason") or "unknown_failure",
            exit_code=call.params.number("exit_code"),
        )
    current = call.store.one(Job, "SELECT * FROM jobs WHERE id = ?", job.id)
    status = current.status if current else job.status
    return text("200", headers={"Job-Status": status})


def authorize_upload(call: Call) -> Reply:
    """Whether an upload would be taken."""
    _own_job(call, _job_token(call))
    return Reply(payload={"TempPath": ""})


def upload(call: Call) -> Reply:
    """An artifact of the running job."""
    job = _own_job(call, _job_token(call))
    sent = call.request.files.get("file")
    if sent is None:
        raise bad_parameter("file is missing")
    kind = call.params.text("artifact_type") or "archive"
    if not re.fullmatch(r"[a-z_0-9]+", kind):
        raise bad_parameter("artifact_type does not have a valid value")
    try:
        store_artifact(
            call.services,
            job.id,
            kind=kind,
            file_format=call.params.choice("artifact_format", FORMATS) or "zip",
            filename=(sent.filename or "artifacts.zip").rsplit("/", 1)[-1].replace('"', ""),
            expire_in=call.params.text("expire_in"),
            data=sent.stream,
        )
    except CiConfigError as error:
        raise bad_request(error.sentences[0]) from error
    return created({"message": "201 Created"})


def download(call: Call) -> Reply:
    """The archive of a job for a running job of the same project (GitLab sends the running job's token with each
    dependency)."""
    asking = running_job_of_token(call.store, _job_token(call) or "")
    if asking is None:
        raise unauthorized()
    number = call.path["id"]
    job = call.store.one(Job, "SELECT * FROM jobs WHERE id = ?", int(number)) if number.isdigit() else None
    if job is None or job.project_id != asking.project_id:
        raise forbidden()
    archive = archive_of(call.services, job.id)
    if archive is None:
        raise not_found()
    headers = {
        "Content-Length": str(archive.size),
        "Content-Disposition": f'attachment; filename="{archive.filename}"',
    }
    body = stream_file(artifact_file(call.services, job.id, "archive"))
    return Reply(stream=body, headers=headers, content_type="application/octet-stream")


ROUTES: tuple[Route, ...] = (
    open_to_all("POST", "/api/v4/runners/verify", verify),
    open_to_all("DELETE", "/api/v4/runners", unregister),
    open_to_all("POST", "/api/v4/jobs/request", request_job),
    open_to_all("PATCH", "/api/v4/jobs/{id}/trace", append),
    open_to_all("PUT", "/api/v4/jobs/{id}", update),
    open_to_all("POST", "/api/v4/jobs/{id}/artifacts/authorize", authorize_upload),
    open_to_all("POST", "/api/v4/jobs/{id}/artifacts", upload),
    open_to_all("GET", "/api/v4/jobs/{id}/artifacts", download),
)
