"""The rows of the database as frozen records; field names are column names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, or the bot behind a project or group access token."""

    id: int
    username: str
    name: str
    email: str
    is_admin: bool
    is_bot: bool
    state: str
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A group (kind `group`) or a user's own place (kind `user`)."""

    id: int
    kind: str
    name: str
    path: str
    full_path: str
    parent_id: int | None
    owner_id: int | None
    visibility: str
    description: str
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project. `settings` is the JSON text of what was set beyond the columns."""

    id: int
    namespace_id: int
    name: str
    path: str
    full_path: str
    description: str
    visibility: str
    default_branch: str
    creator_id: int
    topics: tuple[str, ...]
    archived: bool
    settings: str
    created_at: str
    updated_at: str
    last_activity_at: str
    next_pipeline_iid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user's access level in one group or project."""

    id: int
    user_id: int
    namespace_id: int | None
    project_id: int | None
    access_level: int
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A personal, project or group access token; only its SHA-256 is kept."""

    id: int
    user_id: int
    namespace_id: int | None
    project_id: int | None
    access_level: int | None
    name: str
    description: str
    digest: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str | None
    revoked: bool
    last_used_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployToken:
    """A deploy token of a project or group."""

    id: int
    namespace_id: int | None
    project_id: int | None
    name: str
    username: str
    digest: str
    scopes: tuple[str, ...]
    expires_at: str | None
    revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A CI/CD variable; (key, environment_scope) is its identity within a project or group."""

    id: int
    namespace_id: int | None
    project_id: int | None
    key: str
    value: str
    variable_type: str
    protected: bool
    masked: bool
    hidden: bool
    raw: bool
    environment_scope: str
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedBranch:
    """A protected branch name or wildcard and who may push."""

    id: int
    project_id: int
    name: str
    push_level: int
    merge_level: int
    allow_force_push: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedTag:
    """A protected tag name or wildcard and who may create such tags."""

    id: int
    project_id: int
    name: str
    create_level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSchedule:
    """A pipeline that is asked for by the clock."""

    id: int
    project_id: int
    owner_id: int
    description: str
    ref: str
    cron: str
    cron_timezone: str
    active: bool
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A branch that is to be merged into another one of the same project; state `opened`, `closed` or `merged`."""

    id: int
    project_id: int
    iid: int
    source_branch: str
    target_branch: str
    title: str
    description: str
    state: str
    author_id: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRule:
    """A protected container repository or container tag (`subject`); a level that is not set is ""."""

    id: int
    project_id: int
    subject: str
    pattern: str
    push_level: str
    delete_level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A runner, known by the SHA-256 of its authentication token."""

    id: int
    digest: str
    description: str
    runner_type: str
    project_id: int | None
    namespace_id: int | None
    tag_list: tuple[str, ...]
    run_untagged: bool
    paused: bool
    locked: bool
    maximum_timeout: int | None
    created_at: str
    contacted_at: str | None
    version: str
    revision: str
    platform: str
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline. `variables` is the JSON text of the variables it was created with."""

    id: int
    iid: int
    project_id: int
    sha: str
    before_sha: str
    ref: str
    tag: bool
    source: str
    status: str
    name: str | None
    yaml_errors: str | None
    stages: tuple[str, ...]
    variables: str
    user_id: int
    created_at: str
    updated_at: str
    started_at: str | None
    finished_at: str | None
    committed_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt of a job. `definition` is the compiled job as JSON text, `digest` that of the job's token."""

    id: int
    project_id: int
    pipeline_id: int
    name: str
    stage: str
    status: str
    definition: str
    allow_failure: bool
    tag_list: tuple[str, ...]
    timeout_s: int
    attempt: int
    retried: bool
    user_id: int
    runner_id: int | None
    digest: str | None
    failure_reason: str | None
    exit_code: int | None
    created_at: str
    queued_at: str | None
    started_at: str | None
    finished_at: str | None
    erased_at: str | None
    heard_at: str | None
    trace_size: int
    played_variables: str
    cancels_gracefully: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An uploaded file of a job: kind `archive`, `dotenv`, `junit`, …; format `zip`, `gzip` or `raw`."""

    id: int
    job_id: int
    kind: str
    format: str
    filename: str
    size: int
    expires_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRepository:
    """An image repository of a project; the row appears when a token to push into it is granted."""

    id: int
    project_id: int
    path: str
    created_at: str
