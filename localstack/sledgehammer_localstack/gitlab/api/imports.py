"""How far a project's import is (Project import and export API)."""

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import MAINTAINER, find_project
from sledgehammer_localstack.gitlab.answers import Reply
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.project_imports import import_of
from sledgehammer_localstack.gitlab.routing import Route, reads


def show(call: Call) -> Reply:
    """The status, `none` for a project that was not imported."""
    project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
    found = import_of(call.store, project)
    return Reply(
        payload={
            "id": project.id,
            "description": project.description,
            "name": project.name,
            "name_with_namespace": present_people.name_with_namespace(
                call.services, project.namespace_id, project.name
            ),
            "path": project.path,
            "path_with_namespace": project.full_path,
            "created_at": project.created_at,
            "import_status": found.status if found else "none",
            "import_type": "git" if found else None,
            "correlation_id": None,
            "failed_relations": [],
            "import_error": found.error if found else None,
            "stats": {},
        }
    )


ROUTES: tuple[Route, ...] = (reads("/api/v4/projects/{id}/import", show),)
