"""Sections within the `aws:` section of `sledge.yaml` that bring objects of their own."""

from dataclasses import dataclass, field

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerHub:
    """A pull-through rule of the registry, for base images."""

    credential: str = field(
        metadata=described(
            "ARN of the secret with user name and access token of Docker Hub, named ecr-pullthroughcache/…",
            pattern=r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+",
            expects="the ARN of a secret below ecr-pullthroughcache/",
        )
    )
    prefix: str = field(
        default="docker-hub",
        metadata=described(
            "Of the repositories that ECR makes: FROM <registry>/docker-hub/library/node:22",
            pattern=r"[a-z0-9]+(?:[._/-][a-z0-9]+)*",
            expects="lower-case letters, digits, one of . _ - / between them",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabJobs:
    """A role that jobs of one GitLab project take with an OpenID Connect token, without a key."""

    project: str = field(
        metadata=described("Path of the GitLab project", pattern=r"[^/\s:*]+(/[^/\s:*]+)+", expects="group/project")
    )
    url: str = field(
        default="https://gitlab.com",
        metadata=described(
            "The GitLab that issues the tokens", pattern=r"https?://[^/\s*?]+(/[^\s*?]+)?", expects="its address"
        ),
    )
    audience: str = field(
        default="sledgehammer",
        metadata=described("`aud` of the job's id_tokens entry", pattern=r"[^\s*?]{1,255}", expects="no blank, * or ?"),
    )
    branches: tuple[str, ...] = field(default=("main",), metadata=described("Branches whose jobs may take it"))
    tags: tuple[str, ...] = field(default=(), metadata=described("Git tags whose jobs may take it"))
    build: bool = field(
        default=False, metadata=described("Let them start and follow builds on CodeBuild, beside pushing to ECR")
    )

    def __post_init__(self) -> None:
        if any("*" in ref or "?" in ref for ref in (*self.branches, *self.tags)):
            raise ConfigurationError(
                "gitlab_jobs: a branch or tag is named exactly, not by a pattern", hint="name each of them"
            )
        if not self.branches and not self.tags:
            raise ConfigurationError("gitlab_jobs: neither a branch nor a tag could take the role")

    @property
    def subjects(self) -> tuple[str, ...]:
        """`sub` of the tokens (GitLab documentation, "OpenID Connect in AWS", token payload)."""
        kinds = (("branch", self.branches), ("tag", self.tags))
        return tuple(
            f"project_path:{self.project}:ref_type:{kind}:ref:{name}" for kind, names in kinds for name in names
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where the value of a secret comes from when it is applied."""

    from_env: str = field(
        metadata=described(
            "Environment variable of the machine that applies",
            pattern=r"[A-Za-z_][A-Za-z0-9_]*",
            expects="a variable's name",
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Builds of what was applied last, by the clock."""

    expression: str = field(
        metadata=described(
            "EventBridge schedule in UTC: cron(0 3 * * ? *) or rate(1 day)",
            pattern=r"(cron|rate)\([^()]+\)",
            expects="cron(…) of six fields, or rate(…)",
        )
    )
