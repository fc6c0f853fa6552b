"""What the compiler is told about a project, a pipeline and its variables, read from the database."""

import json

from sledgehammer_localstack.ci.facts import CommitFacts, PipelineFacts, ProjectFacts, ServerFacts, UserFacts
from sledgehammer_localstack.ci.model import Variable as CiVariable
from sledgehammer_localstack.ci.variables import is_in_scope
from sledgehammer_localstack.gitlab.access import ancestors, namespace_by_id
from sledgehammer_localstack.gitlab.api.meta import REVISION, VERSION
from sledgehammer_localstack.gitlab.git.repository import Repository
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.protection import is_protected_ref
from sledgehammer_localstack.gitlab.records import Pipeline, Project, User, Variable
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store


def server_facts(services: Services) -> ServerFacts:
    """This server."""
    return ServerFacts(
        url=services.url, registry=services.settings.registry_address, version=VERSION, revision=REVISION
    )


def project_facts(project: Project) -> ProjectFacts:
    """A project."""
    settings = build_settings(project)
    return ProjectFacts(
        id=project.id,
        title=project.name,
        full_path=project.full_path,
        namespace_id=project.namespace_id,
        default_branch=project.default_branch,
        visibility=project.visibility,
        description=project.description,
        topics=project.topics,
        config_path=settings.config_path,
        timeout_s=settings.timeout_s,
        git_depth=settings.git_depth,
    )


def pipeline_facts(
    store: Store, project: Project, repository: Repository, pipeline: Pipeline, user: User
) -> PipelineFacts:
    """A pipeline, stored or (id 0) about to be; of an empty repository, which has no commit, only to lint."""
    commit = repository.commit(pipeline.sha) if pipeline.sha else None
    return PipelineFacts(
        id=pipeline.id,
        iid=pipeline.iid,
        source=pipeline.source,
        ref=pipeline.ref,
        is_tag=pipeline.tag,
        is_ref_protected=is_protected_ref(store, project, pipeline.ref, is_tag=pipeline.tag),
        created_at=pipeline.created_at,
        commit=CommitFacts(
            sha=pipeline.sha,
            message=commit.message if commit is not None else "",
            author=f"{commit.author_name} <{commit.author_email}>" if commit is not None else "",
            timestamp=commit.authored_at if commit is not None else "",
            before_sha=pipeline.before_sha,
        ),
        user=UserFacts(id=user.id, username=user.username, name=user.name, email=user.email),
        name=pipeline.name or "",
    )


def setting_variables(
    store: Store, project: Project, *, is_protected: bool, environment: str | None
) -> tuple[CiVariable, ...]:
    """The variables of the groups from the top down and of the project, those that reach this ref and environment;
    later ones win. Within one owner the narrower environment scope comes later."""
    found: list[Variable] = []
    chain = ancestors(store, namespace_by_id(store, project.namespace_id))
    for namespace in reversed(chain):
        query = "SELECT * FROM variables WHERE namespace_id = ? ORDER BY length(environment_scope), id"
        found += store.all(Variable, query, namespace.id)
    query = "SELECT * FROM variables WHERE project_id = ? ORDER BY length(environment_scope), id"
    found += store.all(Variable, query, project.id)
    return tuple(
        CiVariable(
            key=one.key,
            value=one.value,
            public=False,
            masked=one.masked,
            raw=one.raw,
            file=one.variable_type == "file",
        )
        for one in found
        if (is_protected or not one.protected) and is_in_scope(one.environment_scope, environment)
    )


def given_variables(stored: str) -> tuple[CiVariable, ...]:
    """The variables that a pipeline or a played job was started with, from their stored JSON: [key, value, type]."""
    return tuple(
        CiVariable(key=key, value=value, public=False, file=kind == "file") for key, value, kind in json.loads(stored)
    )
