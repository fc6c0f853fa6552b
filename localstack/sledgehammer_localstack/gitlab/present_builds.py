"""Pipelines, jobs and runners as GitLab's JSON."""

import json

from sledgehammer_localstack.gitlab import present_people, present_projects
from sledgehammer_localstack.gitlab.access import user_by_id
from sledgehammer_localstack.gitlab.answers import Json
from sledgehammer_localstack.gitlab.records import Artifact, Job, Pipeline, Project, Runner
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.timestamps import in_seconds, seconds_between

JsonObject = dict[str, Json]
ONLINE_S = 7200  # GitLab calls a runner online that was heard of within two hours
LABELS = {"success": "passed", "manual": "blocked"}


def pipeline_basic(services: Services, project: Project, one: Pipeline) -> JsonObject:
    """A pipeline in lists and inside jobs."""
    return {
        "id": one.id,
        "iid": one.iid,
        "project_id": one.project_id,
        "sha": one.sha,
        "ref": one.ref,
        "status": one.status,
        "source": one.source,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "web_url": f"{services.url}/{project.full_path}/-/pipelines/{one.id}",
    }


def pipeline(services: Services, project: Project, one: Pipeline) -> JsonObject:
    """A pipeline as the answer to its creation, retry and cancel."""
    duration = seconds_between(one.started_at, one.finished_at) if one.finished_at else None
    queued = seconds_between(one.created_at, one.started_at) if one.started_at else None
    label = LABELS.get(one.status, one.status)
    path = f"/{project.full_path}/-/pipelines/{one.id}"
    return {
        **pipeline_basic(services, project, one),
        "before_sha": one.before_sha,
        "tag": one.tag,
        "yaml_errors": one.yaml_errors,
        "user": present_people.user_basic(services, user_by_id(services.store, one.user_id)),
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "committed_at": one.committed_at,
        "duration": None if duration is None else round(duration),
        "queued_duration": None if queued is None else round(queued),
        "coverage": None,
        "detailed_status": {
            "icon": f"status_{one.status}",
            "text": label.capitalize(),
            "label": label,
            "group": one.status,
            "tooltip": label,
            "has_details": True,
            "details_path": path,
            "illustration": None,
            "favicon": f"/assets/ci_favicons/favicon_status_{one.status}.png",
        },
    }


def pipeline_named(services: Services, project: Project, one: Pipeline) -> JsonObject:
    """One pipeline with its `workflow:name`."""
    return {**pipeline(services, project, one), "name": one.name}


def pipeline_variables(one: Pipeline) -> list[Json]:
    """The variables a pipeline was created with."""
    return [
        {"variable_type": kind, "key": key, "value": value, "raw": False}
        for key, value, kind in json.loads(one.variables)
    ]


def job_basic(services: Services, project: Project, one: Job) -> JsonObject:
    """What all answers about a job share."""
    store = services.store
    owner = store.one(Pipeline, "SELECT * FROM pipelines WHERE id = ?", one.pipeline_id)
    assert owner is not None  # noqa: S101 - a job's pipeline exists (foreign key)
    commit = present_projects.repository_of(services, project).commit(owner.sha)
    user = user_by_id(store, one.user_id)
    return {
        "id": one.id,
        "status": one.status,
        "stage": one.stage,
        "name": one.name,
        "ref": owner.ref,
        "tag": owner.tag,
        "coverage": None,
        "allow_failure": one.allow_failure,
        "created_at": one.created_at,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "erased_at": one.erased_at,
        "duration": seconds_between(one.started_at, one.finished_at),
        "queued_duration": seconds_between(one.queued_at, one.started_at),
        "user": {**present_people.user_basic(services, user), "created_at": user.created_at, "bio": ""},
        "commit": present_projects.commit(services, project, commit),
        "pipeline": pipeline_basic(services, project, owner),
        "web_url": f"{services.url}/{project.full_path}/-/jobs/{one.id}",
        "project": {"ci_job_token_scope_enabled": False},
        **({"failure_reason": one.failure_reason} if one.failure_reason else {}),
    }


def job(services: Services, project: Project, one: Job) -> JsonObject:
    """A job with its runner and artifacts."""
    store = services.store
    files = store.all(Artifact, "SELECT * FROM artifacts WHERE job_id = ? ORDER BY id", one.id)
    archive = next((file for file in files if file.kind == "archive"), None)
    runner = store.one(Runner, "SELECT * FROM runners WHERE id = ?", one.runner_id)
    shown: JsonObject = {
        **job_basic(services, project, one),
        "artifacts": [artifact(file) for file in files],
        "runner": None if runner is None else runner_basic(runner),
        "runner_manager": None,
        "artifacts_expire_at": archive.expires_at if archive else None,
        "archived": False,
        "tag_list": list(one.tag_list),
    }
    if archive is not None:
        shown["artifacts_file"] = {"filename": archive.filename, "size": archive.size}
    return shown


def artifact(one: Artifact) -> JsonObject:
    """A file that a job left."""
    return {"file_type": one.kind, "size": one.size, "filename": one.filename, "file_format": one.format}


def runner_status(one: Runner) -> str:
    """online, offline or never_contacted."""
    if one.contacted_at is None:
        return "never_contacted"
    return "online" if one.contacted_at > in_seconds(-ONLINE_S) else "offline"


def runner_basic(one: Runner) -> JsonObject:
    """A runner in lists and inside jobs."""
    status = runner_status(one)
    return {
        "id": one.id,
        "description": one.description,
        "ip_address": None,
        "active": not one.paused,
        "paused": one.paused,
        "is_shared": one.runner_type == "instance_type",
        "runner_type": one.runner_type,
        "name": "gitlab-runner",
        "online": status == "online",
        "status": status,
    }


def runner_details(one: Runner) -> JsonObject:
    """One runner with what it last said of itself."""
    return {
        **runner_basic(one),
        "tag_list": list(one.tag_list),
        "run_untagged": one.run_untagged,
        "locked": one.locked,
        "maximum_timeout": one.maximum_timeout,
        "access_level": "not_protected",
        "version": one.version,
        "revision": one.revision,
        "platform": one.platform,
        "architecture": one.architecture,
        "contacted_at": one.contacted_at,
        "maintenance_note": None,
        "projects": [],
        "groups": [],
    }
