"""Objects of AWS as they were read, whatever way they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import ProjectTypeDef

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketState:
    """Absent parts are ""; `is_empty` is only known where there is no tag."""

    tags: Tags
    is_empty: bool
    public_access: str
    versioning: str
    encryption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryState:
    """An ECR repository without its lifecycle policy, which takes a request of its own."""

    tags: Tags
    mutability: str
    encryption: str
    key: str  # of KMS


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleState:
    """Policy documents as IAM's answer has them: text, parsed or URL-encoded."""

    tags: Tags
    trust: str | Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePolicies:
    """What a role is granted beside its one inline policy of ours: other inline ones by name, with their documents, and
    managed ones that are attached, by ARN."""

    inline: Mapping[str, str | Mapping[str, object]]
    attached: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleIndex:
    """All roles of the account by name, and by the ARN on whose behalf their trust lets a service of AWS take them."""

    names: frozenset[str]
    by_source: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroupState:
    """`retention_days` is "" where logs are kept for ever."""

    tags: Tags
    retention_days: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSource:
    """The archive as S3 holds it; `version` names this very content for StartBuild. `md5` is "" where S3 did not say,
    `commit` and `sha256` where only a list was read."""

    commit: str = ""
    sha256: str = ""
    version: str = ""
    md5: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectState:
    """A CodeBuild project as BatchGetProjects gives it; variables in it may be secrets."""

    tags: Tags
    answer: "ProjectTypeDef" = field(repr=False)


class Reader(Protocol):
    """Reads what is there; None for what is not. With `anew` never from what was read before."""

    def bucket(self, name: str, *, anew: bool = False) -> BucketState | None: ...

    def repository(self, name: str, *, anew: bool = False) -> RepositoryState | None: ...

    def lifecycle(self, name: str, *, anew: bool = False) -> str: ...

    def role(self, name: str, *, anew: bool = False) -> RoleState | None: ...

    def role_index(self) -> RoleIndex: ...

    def role_policy(self, role: str, policy: str, *, anew: bool = False) -> str | Mapping[str, object] | None: ...

    def other_policies(self, role: str, policy: str, *, anew: bool = False) -> RolePolicies: ...

    def log_group(self, name: str, *, anew: bool = False) -> LogGroupState | None: ...

    def source(self, bucket: str, key: str, *, anew: bool = False) -> StoredSource | None: ...

    def project(self, name: str, *, anew: bool = False) -> ProjectState | None: ...

    def tagged(self, project: str) -> Mapping[str, Tags]:
        """ARNs and tags of what is marked as a project's, as far as the tagging service knows it."""
