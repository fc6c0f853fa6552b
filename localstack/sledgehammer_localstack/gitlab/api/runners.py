"""Runners as an administrator or maintainer sees them, and new ones (Runners API, `POST /user/runners`)."""

from sledgehammer_localstack.gitlab import present_builds
from sledgehammer_localstack.gitlab.access import (
    MAINTAINER,
    OWNER,
    ancestors,
    find_group,
    find_project,
    namespace_by_id,
    project_level,
)
from sledgehammer_localstack.gitlab.answers import Json, Reply, bad_parameter, created, forbidden, no_content, not_found
from sledgehammer_localstack.gitlab.bootstrap import add_runner
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import new_token
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import Job, Project, Runner
from sledgehammer_localstack.gitlab.routing import Route, reads, writes

TYPES = ("instance_type", "group_type", "project_type")


def _all(call: Call) -> list[Runner]:
    return call.store.all(Runner, "SELECT * FROM runners ORDER BY id DESC")


def listing(call: Call) -> Reply:
    """The runners of the projects that the caller maintains; an administrator finds all under /runners/all."""
    return _present(call, [runner for runner in _all(call) if _is_own(call, runner)])


def listing_all(call: Call) -> Reply:
    """Every runner; administrators only."""
    if not call.user.is_admin:
        raise forbidden()
    return _present(call, _all(call))


def of_project(call: Call) -> Reply:
    """The runners that may take a project's jobs."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    chain = {one.id for one in ancestors(call.store, namespace_by_id(call.store, project.namespace_id))}
    shared = build_settings(project).takes_instance_runners
    found = [
        runner
        for runner in _all(call)
        if (runner.runner_type == "instance_type" and shared)
        or runner.project_id == project.id
        or runner.namespace_id in chain
    ]
    return _present(call, found)


def _present(call: Call, runners: list[Runner]) -> Reply:
    if (kind := call.params.choice("type", TYPES)) is not None:
        runners = [runner for runner in runners if runner.runner_type == kind]
    if (status := call.params.text("status")) is not None:
        runners = [runner for runner in runners if present_builds.runner_status(runner) == status]
    if (is_paused := call.params.flag("paused")) is not None:
        runners = [runner for runner in runners if runner.paused is is_paused]
    if tags := call.params.texts("tag_list"):
        runners = [runner for runner in runners if set(tags) <= set(runner.tag_list)]
    return paged(call, runners, present_builds.runner_basic)


def _is_own(call: Call, runner: Runner) -> bool:
    if runner.project_id is None:
        return False
    project = call.store.one(Project, "SELECT * FROM projects WHERE id = ?", runner.project_id)
    return project is not None and project_level(call.store, call.caller, project) >= MAINTAINER


def _runner(call: Call) -> Runner:
    number = call.path["id"]
    query = "SELECT * FROM runners WHERE id = ?"
    runner = call.store.one(Runner, query, int(number)) if number.isdigit() else None
    if runner is None:
        raise not_found("Runner")
    if not call.user.is_admin and not _is_own(call, runner):
        raise forbidden("No access granted")
    return runner


def show(call: Call) -> Reply:
    """One runner."""
    return Reply(payload=present_builds.runner_details(_runner(call)))


def change(call: Call) -> Reply:
    """Pause, describe or tag a runner."""
    runner, params = _runner(call), call.params
    paused, untagged, locked = params.flag("paused"), params.flag("run_untagged"), params.flag("locked")
    tags = params.texts("tag_list") if params.has("tag_list") else runner.tag_list
    call.store.update(
        "runners",
        runner.id,
        description=params.text("description") or runner.description,
        paused=runner.paused if paused is None else paused,
        run_untagged=runner.run_untagged if untagged is None else untagged,
        locked=runner.locked if locked is None else locked,
        tag_list=tags or (),
        maximum_timeout=params.number("maximum_timeout") or runner.maximum_timeout,
    )
    call.services.work.announce()
    return show(call)


def remove(call: Call) -> Reply:
    """Take a runner away; its running jobs are failed once they have been silent for long."""
    call.store.delete("runners", _runner(call).id)
    return no_content()


def jobs(call: Call) -> Reply:
    """The jobs that a runner has had, newest first."""
    runner = _runner(call)
    found = call.store.all(Job, "SELECT * FROM jobs WHERE runner_id = ? ORDER BY id DESC", runner.id)

    def present(job: Job) -> Json:
        project = find_project(call.store, call.caller, str(job.project_id))
        shown = present_builds.job_basic(call.services, project, job)
        names: Json = {"id": project.id, "name": project.name, "path_with_namespace": project.full_path}
        return {**shown, "project": names}

    return paged(call, found, present)


def create(call: Call) -> Reply:
    """A runner of the instance, a group or a project; the answer is the only place that has its token."""
    params, user = call.params, call.user
    kind = params.choice("runner_type", TYPES)
    if kind is None:
        raise bad_parameter("runner_type is missing")
    project_id = namespace_id = None
    if kind == "project_type":
        wanted = params.required("project_id")
        project_id = find_project(call.store, call.caller, wanted, level=MAINTAINER).id
    elif kind == "group_type":
        namespace_id = find_group(call.store, call.caller, params.required("group_id"), level=OWNER).id
    elif not user.is_admin:
        raise forbidden("Insufficient permissions to create a runner of this type")
    text = new_token("glrt-")
    untagged = params.flag("run_untagged")
    row = add_runner(
        call.store,
        text=text,
        description=params.text("description") or "",
        runner_type=kind,
        project_id=project_id,
        namespace_id=namespace_id,
        tag_list=params.texts("tag_list") or (),
        run_untagged=untagged is not False,
        paused=bool(params.flag("paused")),
        locked=bool(params.flag("locked")),
        maximum_timeout=params.number("maximum_timeout"),
    )
    return created({"id": row, "token": text, "token_expires_at": None})


ROUTES: tuple[Route, ...] = (
    reads("/api/v4/runners", listing),
    reads("/api/v4/runners/all", listing_all),
    reads("/api/v4/projects/{id}/runners", of_project),
    reads("/api/v4/runners/{id}", show),
    writes("PUT", "/api/v4/runners/{id}", change),
    writes("DELETE", "/api/v4/runners/{id}", remove),
    reads("/api/v4/runners/{id}/jobs", jobs),
    writes("POST", "/api/v4/user/runners", create, scopes=("create_runner",)),
)
