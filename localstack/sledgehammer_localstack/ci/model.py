"""A compiled pipeline: what the CI file says once includes, extends, rules and matrices are worked out."""

from dataclasses import dataclass, field
from enum import Enum


class JobStatus(Enum):
    """GitLab's names of a job's states."""

    CREATED = "created"
    MANUAL = "manual"
    PENDING = "pending"
    RUNNING = "running"
    CANCELING = "canceling"  # cancelled, while its runner still runs the after_script
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself to a job in this state."""
        return self in {JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.SKIPPED}


class PipelineStatus(Enum):
    """GitLab's names of a pipeline's states."""

    CREATED = "created"
    PENDING = "pending"
    RUNNING = "running"
    CANCELING = "canceling"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    MANUAL = "manual"


class When(Enum):
    """The condition on which a job starts; `never` jobs are not in a compiled pipeline."""

    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable as a runner takes it. `raw`: references inside are not expanded. `public` False and `masked`
    True: the value is kept out of logs. `file`: the variable holds the path of a file with the value."""

    key: str
    value: str = field(repr=False)  # may be a secret, so it does not print
    public: bool = True
    masked: bool = False
    raw: bool = False
    file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The container image of a job. `entrypoint` None: the image's own."""

    name: str
    entrypoint: tuple[str, ...] | None = None
    pull_policy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A container beside the job. `entrypoint` and `command` None: the image's own. `alias` may hold several
    names, separated by spaces or commas."""

    name: str
    alias: str | None = None
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    variables: tuple[Variable, ...] = ()
    pull_policy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Files of a job that the server reads, such as kind `dotenv`."""

    kind: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Files that a job leaves. `when` is on_success, on_failure or always; `expire_in` as written, such as `1 week`."""

    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    untracked: bool = False
    name: str | None = None
    when: str = "on_success"
    expire_in: str | None = None
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Files kept between jobs of the same key. `policy` is pull, push or pull-push (or a variable reference);
    `protectable` False means one cache for protected and unprotected branches (`cache:unprotect`)."""

    key: str = "default"
    paths: tuple[str, ...] = ()
    untracked: bool = False
    policy: str = "pull-push"
    when: str = "on_success"
    fallback_keys: tuple[str, ...] = ()
    protectable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often (0 to 2) and after what a failed job is tried again. `when` holds GitLab's failure reasons or
    `always`; a job is retried when its reason or its exit code is listed."""

    max: int = 0
    when: tuple[str, ...] = ("always",)
    exit_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A job that must end first. After compilation `job` is the name of a job in the pipeline."""

    job: str
    artifacts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The environment that a job deploys to; `url` is not yet expanded."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """A token by which a job says to others who it is: the variable that holds it, and whom it is for."""

    variable: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, its rules already decided. `variables`: those of the CI file only, in rising precedence (global, job,
    matrix, rules), each key once. `needs` None: the job waits for all earlier stages; empty: for nothing.
    `dependencies` None: artifacts come as `needs` or earlier stages say. `timeout_s` None: the project's own.
    `script` does not hold `before_script`. `node_index` counts from 1 where `parallel` made several jobs of one."""

    name: str
    stage: str
    script: tuple[str, ...]
    before_script: tuple[str, ...] = ()
    after_script: tuple[str, ...] = ()
    image: Image | None = None
    services: tuple[Service, ...] = ()
    variables: tuple[Variable, ...] = ()
    when: When = When.ON_SUCCESS
    allow_failure: bool = False
    allow_failure_exit_codes: tuple[int, ...] = ()
    needs: tuple[Need, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    artifacts: Artifacts | None = None
    caches: tuple[Cache, ...] = ()
    retry: Retry = field(default_factory=Retry)
    timeout_s: int | None = None
    tags: tuple[str, ...] = ()
    interruptible: bool = False
    environment: Environment | None = None
    coverage: str | None = None
    id_tokens: tuple[IdToken, ...] = ()
    group_name: str = ""
    node_index: int | None = None
    node_total: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What is run for one commit: jobs in stage order. `variables` are the global ones of the CI file, `name` is
    `workflow:name` expanded, `stages` only those that hold a job, `.pre` first and `.post` last."""

    stages: tuple[str, ...]
    jobs: tuple[Job, ...]
    variables: tuple[Variable, ...] = ()
    name: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """A valid CI file that gives no pipeline here; `reason` is the sentence GitLab shows."""

    reason: str
    warnings: tuple[str, ...] = ()
