"""GitLab's predefined variables.

Source: docs.gitlab.com, ci/variables/predefined_variables. Those that the runner itself sets (CI_PROJECT_DIR,
CI_BUILDS_DIR, CI_JOB_STATUS, CI_JOB_IMAGE, CI_RUNNER_VERSION …) are not here.
"""

import re
from urllib.parse import urlsplit

from sledgehammer_localstack.ci.facts import PipelineFacts, ProjectFacts, RunFacts, ServerFacts
from sledgehammer_localstack.ci.model import Job, Variable, When

REGISTRY_USER = "gitlab-ci-token"
_MAX_SLUG = 63


def slug(text: str) -> str:
    """GitLab's slug: lower case, at most 63 characters, all but letters and digits a dash, none at the ends."""
    return re.sub(r"[^a-z0-9]", "-", text.lower())[:_MAX_SLUG].strip("-")


def registry_image(server: ServerFacts, project: ProjectFacts) -> str:
    """Where the images of a project live: CI_REGISTRY_IMAGE."""
    return f"{server.registry}/{project.full_path.lower()}"


def repository_url(server: ServerFacts, project: ProjectFacts, token: str) -> str:
    """The URL to clone from with a job token: CI_REPOSITORY_URL."""
    parts = urlsplit(f"{server.url}/{project.full_path}.git")
    return parts._replace(netloc=f"{REGISTRY_USER}:{token}@{parts.netloc}").geturl()


def pipeline_variables(server: ServerFacts, project: ProjectFacts, pipeline: PipelineFacts) -> tuple[Variable, ...]:
    """What is known before there are jobs: the compiler's `predefined`. While a pipeline is compiled its id is 0
    and its id variables are left out."""
    values = {
        **_server_values(server),
        **_project_values(server, project),
        **_commit_values(pipeline),
        **_pipeline_values(server, project, pipeline),
        "GITLAB_USER_ID": str(pipeline.user.id),
        "GITLAB_USER_LOGIN": pipeline.user.username,
        "GITLAB_USER_NAME": pipeline.user.name,
        "GITLAB_USER_EMAIL": pipeline.user.email,
    }
    return _plain(values)


def predefined_variables(
    server: ServerFacts, project: ProjectFacts, pipeline: PipelineFacts, run: RunFacts, job: Job
) -> tuple[Variable, ...]:
    """All predefined variables of a job that is about to run."""
    token = run.token.reveal()
    secret = {
        "CI_JOB_TOKEN": token,
        "CI_REGISTRY_PASSWORD": token,
        "CI_REPOSITORY_URL": repository_url(server, project, token),
    }
    values = {
        **_job_values(job),
        "CI_JOB_ID": str(run.id),
        "CI_JOB_URL": f"{server.url}/{project.full_path}/-/jobs/{run.id}",
        "CI_JOB_STARTED_AT": run.started_at,
        "CI_JOB_TIMEOUT": str(run.timeout_s),
        "CI_REGISTRY_USER": REGISTRY_USER,
        "CI_RUNNER_ID": str(run.runner.id),
        "CI_RUNNER_DESCRIPTION": run.runner.description,
        "CI_RUNNER_TAGS": "[" + ", ".join(f'"{tag}"' for tag in run.runner.tags) + "]",
    }
    return (
        *pipeline_variables(server, project, pipeline),
        *_plain(values),
        *(
            # The URL is not masked as a whole (GitLab does not either); the token inside it is.
            Variable(key=key, value=value, public=False, masked=key != "CI_REPOSITORY_URL", raw=True)
            for key, value in secret.items()
        ),
    )


def _plain(values: dict[str, str]) -> tuple[Variable, ...]:
    # A commit message or a branch may hold a `$`, which is no reference.
    return tuple(Variable(key=key, value=value, raw="$" in value) for key, value in values.items())


def _server_values(server: ServerFacts) -> dict[str, str]:
    major, minor, patch = (*server.version.partition("-")[0].split("."), "0", "0")[:3]
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "GITLAB_FEATURES": "",
        "CI_SERVER": "yes",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_URL": server.url,
        "CI_SERVER_HOST": server.host,
        "CI_SERVER_FQDN": server.authority,
        "CI_SERVER_PORT": str(server.port),
        "CI_SERVER_PROTOCOL": server.protocol,
        "CI_SERVER_VERSION": server.version,
        "CI_SERVER_VERSION_MAJOR": major,
        "CI_SERVER_VERSION_MINOR": minor,
        "CI_SERVER_VERSION_PATCH": patch,
        "CI_SERVER_REVISION": server.revision,
        "CI_API_V4_URL": f"{server.url}/api/v4",
        "CI_API_GRAPHQL_URL": f"{server.url}/api/graphql",
    }


def _project_values(server: ServerFacts, project: ProjectFacts) -> dict[str, str]:
    return {
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_NAME": project.path,
        "CI_PROJECT_TITLE": project.title,
        "CI_PROJECT_DESCRIPTION": project.description,
        "CI_PROJECT_PATH": project.full_path,
        "CI_PROJECT_PATH_SLUG": slug(project.full_path),
        "CI_PROJECT_NAMESPACE": project.namespace,
        "CI_PROJECT_NAMESPACE_ID": str(project.namespace_id),
        "CI_PROJECT_NAMESPACE_SLUG": slug(project.namespace),
        "CI_PROJECT_ROOT_NAMESPACE": project.namespace.partition("/")[0],
        "CI_PROJECT_URL": f"{server.url}/{project.full_path}",
        "CI_PROJECT_VISIBILITY": project.visibility,
        "CI_PROJECT_TOPICS": ",".join(topic.lower() for topic in project.topics),
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_DEFAULT_BRANCH_SLUG": slug(project.default_branch),
        "CI_CONFIG_PATH": project.config_path,
        "CI_REGISTRY": server.registry,
        "CI_REGISTRY_IMAGE": registry_image(server, project),
    }


def _commit_values(pipeline: PipelineFacts) -> dict[str, str]:
    commit = pipeline.commit
    title, _, rest = commit.message.strip().partition("\n")
    on_ref = {"CI_COMMIT_TAG": pipeline.ref, "CI_COMMIT_TAG_MESSAGE": pipeline.tag_message}
    return {
        "CI_COMMIT_SHA": commit.sha,
        "CI_COMMIT_SHORT_SHA": commit.sha[:8],
        "CI_COMMIT_BEFORE_SHA": commit.before_sha,
        "CI_COMMIT_REF_NAME": pipeline.ref,
        "CI_COMMIT_REF_SLUG": slug(pipeline.ref),
        **(on_ref if pipeline.is_tag else {"CI_COMMIT_BRANCH": pipeline.ref}),
        "CI_COMMIT_MESSAGE": commit.message,
        "CI_COMMIT_TITLE": title,
        "CI_COMMIT_DESCRIPTION": rest.strip(),
        "CI_COMMIT_REF_PROTECTED": "true" if pipeline.is_ref_protected else "false",
        "CI_COMMIT_TIMESTAMP": commit.timestamp,
        "CI_COMMIT_AUTHOR": commit.author,
    }


def _pipeline_values(server: ServerFacts, project: ProjectFacts, pipeline: PipelineFacts) -> dict[str, str]:
    stored = {
        "CI_PIPELINE_ID": str(pipeline.id),
        "CI_PIPELINE_IID": str(pipeline.iid),
        "CI_PIPELINE_URL": f"{server.url}/{project.full_path}/-/pipelines/{pipeline.id}",
    }
    return {
        **(stored if pipeline.id else {}),
        "CI_PIPELINE_SOURCE": pipeline.source,
        "CI_PIPELINE_CREATED_AT": pipeline.created_at,
        **({"CI_PIPELINE_NAME": pipeline.name} if pipeline.name else {}),
    }


def _job_values(job: Job) -> dict[str, str]:
    return {
        "CI_JOB_NAME": job.name,
        "CI_JOB_NAME_SLUG": slug(job.name),
        "CI_JOB_GROUP_NAME": job.group_name or job.name,
        "CI_JOB_STAGE": job.stage,
        **({"CI_JOB_MANUAL": "true"} if job.when is When.MANUAL else {}),
        **({} if job.node_index is None else {"CI_NODE_INDEX": str(job.node_index)}),
        "CI_NODE_TOTAL": str(job.node_total),
    }
