"""The `aws:` section of `sledge.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError
from sledgehammer_aws.setting_sections import DockerHub, GitLabJobs, Schedule, SecretSource
from sledgehammer_aws.source_settings import GitLabSource

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs accepts (API reference, PutRetentionPolicy)."""

_REPOSITORY = r"[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*"


class ComputeType(Enum):
    """Sizes of on-demand machines that can run a Docker daemon (CodeBuild user guide, "Build environment compute
    modes and types"): Lambda computes cannot."""

    SMALL = "BUILD_GENERAL1_SMALL"
    MEDIUM = "BUILD_GENERAL1_MEDIUM"
    LARGE = "BUILD_GENERAL1_LARGE"
    XLARGE = "BUILD_GENERAL1_XLARGE"
    XXLARGE = "BUILD_GENERAL1_2XLARGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerServer:
    """The machine that builds the images with cache strategy codebuild-docker-server."""

    compute_type: ComputeType = field(default=ComputeType.MEDIUM, metadata=described("Size of the Docker server"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """Where builds get a network interface."""

    id: str = field(
        metadata=described("The VPC", pattern=r"vpc-[0-9a-f]+", expects="an id, such as vpc-0123456789abcdef0")
    )
    subnets: tuple[str, ...] = field(metadata=described("Subnets with a way out, by NAT: ids"))
    security_groups: tuple[str, ...] = field(metadata=described("Security groups of the interface: ids"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable of the build; exactly one of the three is set."""

    value: str | None = field(default=None, metadata=described("The value itself; never a secret"))
    parameter: str | None = field(
        default=None,
        metadata=described(
            "Name of a parameter of Systems Manager Parameter Store",
            pattern=r"[A-Za-z0-9_./-]+",
            expects="a parameter's name, such as /ci/npm-token",
        ),
    )
    secret: str | None = field(
        default=None,
        metadata=described(
            "Secret of Secrets Manager as name-or-ARN[:json-key[:version-stage[:version-id]]]",
            pattern=r"[A-Za-z0-9/_+=.@:-]+",
            expects="a secret's name or ARN, then optionally :json-key:version-stage:version-id",
        ),
    )

    def __post_init__(self) -> None:
        if sum(content is not None for content in (self.value, self.parameter, self.secret)) != 1:
            raise ConfigurationError("a variable takes its content from one of value, parameter and secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the project's builds run on AWS and where their images go."""

    region: str = field(
        default="",
        metadata=described(
            "Region (default: AWS_REGION, AWS_DEFAULT_REGION, else the profile's)",
            pattern=r"[a-z]{2}(-[a-z]+)+-\d",
            expects="a region, such as eu-central-1",
        ),
    )
    project: str = field(
        default="",
        metadata=described(
            "Name of the CodeBuild project (default: the name at the top of the file)",
            pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}",
            expects="2 to 150 letters, digits, - and _",
        ),
    )
    former_projects: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Names that the CodeBuild project had before: an apply removes what was made under them; what belongs to "
            "a CodeBuild project of any other name is never touched",
            pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}",
            expects="2 to 150 letters, digits, - and _",
        ),
    )
    repository: str = field(
        default="",
        metadata=described(
            "Prefix of the ECR repositories (default: the name at the top of the file): image `web` goes to "
            "`<prefix>/web`, an image named as the project to `<prefix>` itself; caches go beside, with `-cache`",
            pattern=_REPOSITORY,
            expects="lower-case letters, digits, one of . _ - between them, and /",
        ),
    )
    expire_untagged_days: int = field(
        default=0,
        metadata=described(
            "Let ECR remove images that have had no tag for so many days (default: never); one with a tag stays",
            minimum=0,
            maximum=3650,
        ),
    )
    encryption_key: str = field(
        default="",
        metadata=described(
            "KMS key, by ARN, that new ECR repositories are encrypted with (default: AES256)",
            pattern=r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
            expects="the ARN of a KMS key",
        ),
    )
    force_destroy: bool = field(
        default=False, metadata=described("Let `sledge destroy` delete repositories together with their images")
    )
    immutable_tags: bool = field(
        default=False,
        metadata=described("Let ECR refuse a tag that exists: a second build of one commit then fails when it pushes"),
    )
    bucket: str = field(
        default="",
        metadata=described(
            "S3 bucket for source archives (default: sledge-<account>-<region>, shared by all projects there)",
            pattern=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
            expects="a bucket name",
        ),
    )
    role: str = field(
        default="",
        metadata=described(
            "Name of the IAM role that builds run as (default: sledge-<project>-<region>)",
            pattern=r"[A-Za-z0-9+=,.@_-]{1,64}",
            expects="at most 64 letters, digits and + = , . @ _ -",
        ),
    )
    build_image: str = field(
        default="aws/codebuild/standard:7.0",
        metadata=described(
            "Curated image of CodeBuild that jobs run in",
            pattern=r"aws/codebuild/[A-Za-z0-9._/-]+:[A-Za-z0-9._-]+",
            expects="a curated image, such as aws/codebuild/standard:7.0",
        ),
    )
    compute_type: ComputeType = field(default=ComputeType.MEDIUM, metadata=described("Size of the machine that builds"))
    docker_server: DockerServer = field(
        default=DockerServer(),
        metadata=described("The Docker server of cache strategy codebuild-docker-server; it costs as a build does"),
    )
    timeout_minutes: int = field(default=60, metadata=described("Limit of one build", minimum=5, maximum=2160))
    wait_minutes: int = field(
        default=90,
        metadata=described("How long `sledge run` follows a build, queue included", minimum=5, maximum=2880),
    )
    concurrent_builds: int = field(
        default=0,
        metadata=described("How many builds of the project may run at once (default: as the account)", minimum=0),
    )
    auto_retries: int = field(
        default=0,
        metadata=described("How often CodeBuild itself repeats a build that failed", minimum=0, maximum=10),
    )
    source: GitLabSource | None = field(
        default=None,
        metadata=described("What CodeBuild clones (default: it takes an archive that apply puts into the bucket)"),
    )
    vpc: Vpc | None = field(default=None, metadata=described("The network that builds run in (default: CodeBuild's)"))
    log_retention_days: int = field(default=90, metadata=described("How long CloudWatch Logs keeps build logs"))
    variables: Mapping[str, Variable] = field(
        default_factory=dict,
        metadata=described(
            "Environment variables of the build by name; others on the CodeBuild project are removed",
            key_pattern=r"(?!CODEBUILD_|SLEDGE_)[A-Za-z_][A-Za-z0-9_]*",
            key_expects="a variable's name that does not begin with CODEBUILD_ or SLEDGE_",
        ),
    )
    scan_on_push: bool = field(
        default=False, metadata=described("Have ECR scan new images, by the registry's own configuration")
    )
    docker_hub: DockerHub | None = field(
        default=None, metadata=described("Pull Docker Hub's images through ECR, which keeps them")
    )
    gitlab_jobs: GitLabJobs | None = field(
        default=None, metadata=described("A role that jobs of a GitLab project take without a key")
    )
    secrets: Mapping[str, SecretSource] = field(
        default_factory=dict,
        metadata=described(
            "Secrets in Secrets Manager, each called <project>/<name>; variables name them as `secret`",
            key_pattern=r"[A-Za-z0-9_+=.@-]{1,128}",
            key_expects="letters, digits and _ + = . @ -",
        ),
    )
    schedule: Schedule | None = field(default=None, metadata=described("Builds by the clock, of what was applied last"))
    tags: Mapping[str, str] = field(
        default_factory=dict,
        metadata=described(
            "Tags on all objects beside our own; tags we do not know are left alone",
            key_pattern=r"(?!aws:|sledgehammer:|managed-by$).{1,128}",
            key_expects="at most 128 characters, not beginning with aws: or sledgehammer:",
        ),
    )

    def __post_init__(self) -> None:
        if self.log_retention_days not in RETENTION_DAYS:
            raise ConfigurationError(
                f"log_retention_days: CloudWatch Logs does not keep logs for {self.log_retention_days} days",
                hint=f"one of {', '.join(str(days) for days in RETENTION_DAYS)}",
            )
