"""Pipeline schedules (Pipeline schedules API). They are kept, shown and played; no clock of this server starts them. A
second POST is a second schedule, as on GitLab."""

import re
import sqlite3
from dataclasses import dataclass

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import DEVELOPER, find_project, user_by_id
from sledgehammer_localstack.gitlab.answers import Json, Reply, bad_request, created, no_content, not_found
from sledgehammer_localstack.gitlab.builds.creation import PipelineRequest, create_pipeline
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import PipelineSchedule, Project
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import now

_FIELD = r"[\d*][\d*,/-]*"
_CRON = re.compile(rf"{_FIELD} {_FIELD} {_FIELD} {_FIELD} [\dA-Za-z*][\dA-Za-z*,/-]*")


VARIABLE_TYPES = ("env_var", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleVariable:
    """A variable of the pipelines that one schedule starts."""

    id: int
    schedule_id: int
    key: str
    value: str
    variable_type: str


def _all(call: Call, project: Project) -> list[PipelineSchedule]:
    query = "SELECT * FROM pipeline_schedules WHERE project_id = ? ORDER BY id"
    return call.store.all(PipelineSchedule, query, project.id)


def _one(call: Call, project: Project) -> PipelineSchedule:
    for schedule in _all(call, project):
        if str(schedule.id) == call.path["schedule_id"]:
            return schedule
    raise not_found("Pipeline Schedule")


def _present(call: Call, one: PipelineSchedule) -> dict[str, Json]:
    return {
        "id": one.id,
        "description": one.description,
        "ref": one.ref,
        "cron": one.cron,
        "cron_timezone": one.cron_timezone,
        "next_run_at": None,
        "active": one.active,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "owner": present_people.user_basic(call.services, user_by_id(call.store, one.owner_id)),
    }


def _variables(call: Call, one: PipelineSchedule) -> list[ScheduleVariable]:
    query = "SELECT * FROM schedule_variables WHERE schedule_id = ? ORDER BY id"
    return call.store.all(ScheduleVariable, query, one.id)


def _variable(call: Call, one: PipelineSchedule) -> ScheduleVariable:
    for variable in _variables(call, one):
        if variable.key == call.path["key"]:
            return variable
    raise not_found("Variable")


def _present_variable(one: ScheduleVariable) -> Json:
    return {"key": one.key, "value": one.value, "variable_type": one.variable_type, "raw": False}


def listing(call: Call) -> Reply:
    """All schedules, or with `scope` the active or inactive ones."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    shown = _all(call, project)
    if scope := call.params.choice("scope", ("active", "inactive")):
        shown = [one for one in shown if one.active is (scope == "active")]
    return paged(call, shown, lambda one: _present(call, one))


def show(call: Call) -> Reply:
    """One schedule with its variables."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    one = _one(call, project)
    variables = [_present_variable(variable) for variable in _variables(call, one)]
    return Reply(payload={**_present(call, one), "last_pipeline": None, "variables": variables})


def create(call: Call) -> Reply:
    """A new schedule, whose owner is the caller."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    params, moment = call.params, now()
    active = params.flag("active")
    row = call.store.insert(
        "pipeline_schedules",
        project_id=project.id,
        owner_id=call.user.id,
        description=params.required("description"),
        ref=_ref(call, project, params.required("ref")),
        cron=_cron(params.required("cron")),
        cron_timezone=params.text("cron_timezone") or "UTC",
        active=True if active is None else active,
        created_at=moment,
        updated_at=moment,
    )
    made = next(one for one in _all(call, project) if one.id == row)
    return created(_present(call, made))


def update(call: Call) -> Reply:
    """Change a schedule; what is not sent stays."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    old, params = _one(call, project), call.params
    ref, cron, active = params.text("ref"), params.text("cron"), params.flag("active")
    call.store.update(
        "pipeline_schedules",
        old.id,
        description=params.text("description") or old.description,
        ref=_ref(call, project, ref) if ref else old.ref,
        cron=_cron(cron) if cron else old.cron,
        cron_timezone=params.text("cron_timezone") or old.cron_timezone,
        active=old.active if active is None else active,
        updated_at=now(),
    )
    return Reply(payload=_present(call, _one(call, project)))


def delete(call: Call) -> Reply:
    """Remove a schedule."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    call.store.delete("pipeline_schedules", _one(call, project).id)
    return no_content()


def play(call: Call) -> Reply:
    """Start a pipeline as the clock would, in the name of the schedule's owner; GitLab does so a moment later."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    one, repository = _one(call, project), repository_of(call.services, project)
    is_tag = one.ref.startswith("refs/tags/")
    sha = repository.refs(one.ref).get(one.ref)
    if sha is not None and build_settings(project).is_enabled:
        variables = tuple((each.key, each.value, each.variable_type) for each in _variables(call, one))
        name = one.ref.split("/", 2)[2]
        request = PipelineRequest(ref=name, sha=sha, is_tag=is_tag, source="schedule", variables=variables)
        create_pipeline(call.services, project, user_by_id(call.store, one.owner_id), request)
    return created({"message": "201 Created"})


def create_variable(call: Call) -> Reply:
    """A new variable; 400 where the schedule has one of its key."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    one, key = _one(call, project), call.params.required("key")
    try:
        call.store.insert(
            "schedule_variables",
            schedule_id=one.id,
            key=key,
            value=call.params.text("value") or "",
            variable_type=call.params.choice("variable_type", VARIABLE_TYPES) or "env_var",
        )
    except sqlite3.IntegrityError:
        raise bad_request({"key": ["has already been taken"]}) from None
    return created(_present_variable(next(each for each in _variables(call, one) if each.key == key)))


def update_variable(call: Call) -> Reply:
    """Change a variable's value or type."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    one = _one(call, project)
    old, value = _variable(call, one), call.params.text("value")
    call.store.update(
        "schedule_variables",
        old.id,
        value=old.value if value is None else value,
        variable_type=call.params.choice("variable_type", VARIABLE_TYPES) or old.variable_type,
    )
    return Reply(payload=_present_variable(_variable(call, one)))


def delete_variable(call: Call) -> Reply:
    """Remove a variable; GitLab answers 202 with it."""
    project = find_project(call.store, call.caller, call.path["id"], level=DEVELOPER)
    old = _variable(call, _one(call, project))
    call.store.delete("schedule_variables", old.id)
    return Reply(status=202, payload=_present_variable(old))


def _cron(text: str) -> str:
    if not _CRON.fullmatch(text):
        raise bad_request({"cron": [" is invalid syntax"]})
    return text


def _ref(call: Call, project: Project, name: str) -> str:
    """The full name of a branch or tag; a short one is completed, as GitLab does since 17."""
    if name.startswith("refs/"):
        return name
    repository = repository_of(call.services, project)
    if repository.branch_sha(name) is None and f"refs/tags/{name}" in repository.refs(f"refs/tags/{name}"):
        return f"refs/tags/{name}"
    return f"refs/heads/{name}"


_P = "/api/v4/projects/{id}/pipeline_schedules"
_V = f"{_P}/{{schedule_id}}/variables"
ROUTES: tuple[Route, ...] = (
    reads(_P, listing),
    writes("POST", _P, create),
    reads(f"{_P}/{{schedule_id}}", show),
    writes("PUT", f"{_P}/{{schedule_id}}", update),
    writes("DELETE", f"{_P}/{{schedule_id}}", delete),
    writes("POST", f"{_P}/{{schedule_id}}/play", play),
    writes("POST", _V, create_variable),
    writes("PUT", f"{_V}/{{key}}", update_variable),
    writes("DELETE", f"{_V}/{{key}}", delete_variable),
)
