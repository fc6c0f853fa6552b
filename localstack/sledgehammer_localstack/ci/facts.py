"""What the server knows about itself, a project, a pipeline and a running job: the source of predefined variables."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sledgehammer.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """The GitLab server. `url` is its base without a trailing slash, `registry` the `host:port` of its registry."""

    url: str
    registry: str
    version: str = "17.5.0"
    revision: str = "local"

    @property
    def protocol(self) -> str:
        """http or https."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """Host name or address without a port."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, also where the URL leaves it out."""
        return urlsplit(self.url).port or (443 if self.protocol == "https" else 80)

    @property
    def authority(self) -> str:
        """`host[:port]` as the URL has it."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """A project. `title` is its display name; `full_path` holds namespace and path; times in seconds."""

    id: int
    title: str
    full_path: str
    namespace_id: int
    default_branch: str
    visibility: str = "private"
    description: str = ""
    topics: tuple[str, ...] = ()
    config_path: str = ".gitlab-ci.yml"
    timeout_s: int = 3600
    git_depth: int = 20

    @property
    def path(self) -> str:
        """Last part of the full path."""
        return self.full_path.rpartition("/")[2]

    @property
    def namespace(self) -> str:
        """Full path of the group or user that holds the project."""
        return self.full_path.rpartition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """The person (or bot) for whom a pipeline runs."""

    id: int
    username: str
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """A commit. `author` is `Name <email>`, `timestamp` ISO 8601, `message` whole."""

    sha: str
    message: str
    author: str
    timestamp: str
    before_sha: str = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFacts:
    """A pipeline. `source` is GitLab's word: push, web, api, trigger, schedule. `id` and `iid` are 0 while it is
    compiled and not yet stored; `name` is `workflow:name`. `created_at` ISO 8601."""

    id: int
    iid: int
    source: str
    ref: str
    is_tag: bool
    is_ref_protected: bool
    created_at: str
    commit: CommitFacts
    user: UserFacts
    name: str = ""
    tag_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFacts:
    """The runner that asked for the job, as the server knows it."""

    id: int
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One job about to run. `token` is its job token; `timeout_s` what applies after the runner's own maximum;
    `started_at` ISO 8601."""

    id: int
    token: Secret
    started_at: str
    timeout_s: int
    runner: RunnerFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """An earlier job whose artifact archive this job downloads first."""

    id: int
    name: str
    filename: str
    size_bytes: int
