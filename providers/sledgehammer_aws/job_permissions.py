"""Who of GitLab's jobs may take a role, and what they may do with it. Pure."""

from collections.abc import Sequence

from sledgehammer_aws.account import Names
from sledgehammer_aws.build_permissions import registry_permissions
from sledgehammer_aws.policy import Permission, statements_document
from sledgehammer_aws.setting_sections import GitLabJobs


def job_trust(settings: GitLabJobs, *, provider: str, provider_arn: str) -> str:
    """Exactly these subjects and this audience: a pattern in `sub` is what lets the jobs of strangers in (GitLab
    documentation, "OpenID Connect in AWS", configure a role and trust)."""
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{provider}:aud": settings.audience, f"{provider}:sub": list(settings.subjects)},
        },
    }
    return statements_document([statement])


def job_permissions(names: Names, settings: GitLabJobs) -> Sequence[Permission]:
    """To push and pull the project's images, and, where the settings say so, to have CodeBuild build them."""
    repositories = frozenset(name for pair in names.repositories for name in (pair.image, pair.cache))
    builds = (
        Permission(
            sid="Builds",
            reason="start of builds, and their state",
            actions=("codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"),
            resources=(names.project_arn,),
        ),
        Permission(
            sid="BuildLogs",
            reason="the log of builds",
            actions=("logs:GetLogEvents",),
            resources=(f"{names.log_group_arn}:*",),
        ),
    )
    return (*registry_permissions(names, logs_in=True, repositories=repositories), *(builds if settings.build else ()))
