"""The job a server hands to a runner: the answer 201 of `POST /api/v4/jobs/request`, as frozen records.

Source: GitLab's OpenAPI document (`Entities::Ci::JobRequest::Response`) and the runner's `common/network.go`.
"""

from dataclasses import dataclass

from sledgehammer.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One CI/CD variable. A raw one is not expanded; a file one reaches the job as the path of a file."""

    key: str
    value: str
    is_public: bool = False
    is_file: bool = False
    is_masked: bool = False
    is_raw: bool = False

    def __repr__(self) -> str:
        return f"Variable({self.key}=***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One script of the job: `script` (before_script joined in) or `after_script`."""

    name: str
    commands: tuple[str, ...]
    when: str = "on_success"
    may_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that a script runs in. An empty `entrypoint` keeps the image's own."""

    name: str
    entrypoint: tuple[str, ...] = ()
    pull_policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A container beside the job. `alias` may hold several names, divided by spaces or commas."""

    name: str
    alias: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    pull_policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactOrder:
    """Files to upload after the scripts; `format` is zip, gzip or raw, `type` archive or a kind of report."""

    name: str = ""
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    with_untracked: bool = False
    when: str = "on_success"
    type: str = "archive"
    format: str = "zip"
    expire_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOrder:
    """Files kept between jobs under a key; `policy` is pull-push, pull or push."""

    key: str
    paths: tuple[str, ...] = ()
    with_untracked: bool = False
    policy: str = "pull-push"
    when: str = "on_success"
    fallback_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """What the runner itself may pull images with."""

    address: str
    user: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """An earlier job whose archive this job starts with; `token` opens that job's artifacts."""

    id: int
    name: str
    token: Secret
    filename: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GitInfo:
    """What to check out. `repo_url` has its credentials taken out; `depth` 0 is everything."""

    repo_url: str
    ref: str
    sha: str
    refspecs: tuple[str, ...]
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFeatures:
    """What the server understands: folded sections, prefixes of tokens to mask, failure reasons."""

    has_trace_sections: bool = False
    token_prefixes: tuple[str, ...] = ()
    failure_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTicket:
    """What is needed to speak of a job to the server, whether or not the rest of its payload is understood."""

    id: int
    token: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, complete."""

    id: int
    token: Secret
    name: str
    stage: str
    project_id: int
    project_name: str
    timeout_s: int
    git: GitInfo
    variables: tuple[Variable, ...]
    steps: tuple[Step, ...]
    image: Image | None
    services: tuple[Service, ...]
    artifacts: tuple[ArtifactOrder, ...]
    caches: tuple[CacheOrder, ...]
    logins: tuple[RegistryLogin, ...]
    dependencies: tuple[Dependency, ...]
    features: JobFeatures

    @property
    def ticket(self) -> JobTicket:
        """The part that the runner API is called with."""
        return JobTicket(id=self.id, token=self.token)
