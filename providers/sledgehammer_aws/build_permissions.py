"""What a build's role may do: read off the rendered buildspec, the project and its settings. Pure.

Everything else is denied, so each statement says which operation needs it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sledgehammer_aws.account import Names
from sledgehammer_aws.destination import REGISTRY_VARIABLE
from sledgehammer_aws.kept_cache import has_file_cache
from sledgehammer_aws.policy import Permission, statements_document
from sledgehammer_aws.setting_sections import DockerHub
from sledgehammer_aws.settings import Settings, Vpc

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")
"""ECR user guide, "Required IAM permissions for pushing an image", and those for pulling."""

LOGIN = "ecr get-login-password"
SECRET_ARN_PARTS = 7
"""arn:partition:secretsmanager:region:account:secret:name-suffix"""

_S3_CACHE = re.compile(r"type=s3,region=[^,\s]+,bucket=([^,\s]+)(?:,prefix=([^,\s]+))?(,endpoint_url=)?")
_REPOSITORY = re.compile(rf'\$\{{{REGISTRY_VARIABLE}\}}"?/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildspec:
    """What a rendered buildspec does on AWS."""

    logs_in: bool
    repositories: frozenset[str]
    caches: frozenset[tuple[str, str]]  # of BuildKit on S3: bucket and prefix


def read_buildspec(text: str) -> Buildspec:
    """The registry login, the repositories and the caches that its commands speak of; a cache with an endpoint of its
    own is none of AWS's."""
    caches = {(bucket, prefix) for bucket, prefix, endpoint in _S3_CACHE.findall(text) if not endpoint}
    return Buildspec(logs_in=LOGIN in text, repositories=frozenset(_REPOSITORY.findall(text)), caches=frozenset(caches))


def build_trust(names: Names) -> str:
    """CodeBuild may assume the role, on behalf of this one project (CodeBuild user guide, "Cross-service confused
    deputy prevention")."""
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": names.account.id, "aws:SourceArn": names.project_arn},
        },
    }
    return statements_document([statement])


def build_permissions(
    names: Names, settings: Settings, *, buildspec: str, strategy: str, connection_arn: str = ""
) -> Sequence[Permission]:
    """What a build needs and nothing else."""
    used = read_buildspec(buildspec)
    return (
        *registry_permissions(names, logs_in=used.logs_in, repositories=used.repositories),
        *(_pull_through(names, settings.docker_hub) if settings.docker_hub is not None else ()),
        Permission(
            sid="Log",
            reason="the build's log",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(f"{names.log_group_arn}:*",),
        ),
        *(_archive(names) if settings.source is None else _clone(connection_arn)),
        *(_bucket(names) if settings.source is None or has_file_cache(strategy) else ()),
        *(_cache(names) if has_file_cache(strategy) else ()),
        *_layers_in_s3(names, used),
        *_variables(names, settings),
        *(_network(names, settings.vpc) if settings.vpc is not None else ()),
    )


def registry_permissions(names: Names, *, logs_in: bool, repositories: Collection[str]) -> Iterator[Permission]:
    """To push to and pull from those of the project's repositories."""
    if logs_in:
        reason = "docker login"
        yield Permission(sid="Login", reason=reason, actions=("ecr:GetAuthorizationToken",), resources=("*",))
    kinds = (
        ("Images", "pull and push of images", [pair.image for pair in names.repositories]),
        ("Caches", "layer cache and build records", [pair.cache for pair in names.repositories]),
    )
    for sid, reason, known in kinds:
        arns = [names.repository_arn(name) for name in known if name in repositories]
        if arns:
            yield Permission(sid=sid, reason=reason, actions=tuple(sorted((*PULL, *PUSH))), resources=_sorted(arns))


def _archive(names: Names) -> Iterator[Permission]:
    yield Permission(
        sid="Source",
        reason="download of the source archive",
        actions=("s3:GetObject", "s3:GetObjectVersion"),
        resources=(f"{names.bucket_arn}/{names.source_key}",),
    )


def _clone(connection_arn: str) -> Iterator[Permission]:
    """CodeBuild user guide, "GitLab connections", permissions of the service role."""
    yield Permission(
        sid="Connection",
        reason="clone from GitLab",
        actions=(
            "codeconnections:GetConnection",
            "codeconnections:GetConnectionToken",
            "codeconnections:UseConnection",
        ),
        resources=(connection_arn,),
    )


def _bucket(names: Names) -> Iterator[Permission]:
    yield Permission(
        sid="Bucket",
        reason="CodeBuild looks whose the bucket is and where",
        actions=("s3:GetBucketAcl", "s3:GetBucketLocation"),
        resources=(names.bucket_arn,),
    )


def _pull_through(names: Names, docker_hub: DockerHub) -> Iterator[Permission]:
    """ECR user guide, "Required IAM permissions to sync an upstream registry": the first pull makes the repository."""
    yield Permission(
        sid="PullThrough",
        reason="base images from Docker Hub through ECR",
        actions=tuple(sorted((*PULL, "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"))),
        resources=(names.repository_arn(f"{docker_hub.prefix}/*"),),
    )


def _cache(names: Names) -> Iterator[Permission]:
    """CodeBuild gets a cache before the build and puts one after it; a fallback key, which is a prefix, it can only
    find by listing, and a key that is absent is "not found" only to who may list (S3 API reference, GetObject)."""
    yield Permission(
        sid="Cache",
        reason="download and upload of the carried cache",
        actions=("s3:GetObject", "s3:PutObject"),
        resources=(f"{names.bucket_arn}/{names.cache_prefix}/*",),
    )
    yield Permission(
        sid="CacheKeys",
        reason="search for the carried cache by its fallback keys",
        actions=("s3:ListBucket",),
        resources=(names.bucket_arn,),
        condition={"StringLike": {"s3:prefix": f"{names.cache_prefix}/*"}},
    )


def _layers_in_s3(names: Names, used: Buildspec) -> Iterator[Permission]:
    """Docker documentation, "Amazon S3 cache": what BuildKit needs. Without the list of the bucket a layer that is not
    there looks like one that is denied."""
    if not used.caches:
        return
    arn = f"arn:{names.account.partition}:s3:::"
    yield Permission(
        sid="Layers",
        reason="layer cache in S3",
        actions=("s3:GetObject", "s3:PutObject"),
        resources=_sorted(f"{arn}{bucket}/{prefix}*" for bucket, prefix in used.caches),
    )
    yield Permission(
        sid="LayerKeys",
        reason="search for layers in S3",
        actions=("s3:ListBucket",),
        resources=_sorted(f"{arn}{bucket}" for bucket, _ in used.caches),
    )


def _variables(names: Names, settings: Settings) -> Iterator[Permission]:
    parameters = {name: content.parameter for name, content in settings.variables.items() if content.parameter}
    if parameters:
        arns = [names.account.arn("ssm", f"parameter/{name.lstrip('/')}") for name in parameters.values()]
        yield Permission(
            sid="Parameters",
            reason=f"variables {', '.join(sorted(parameters))}",
            actions=("ssm:GetParameters",),
            resources=_sorted(arns),
        )
    secrets = {name: content.secret for name, content in settings.variables.items() if content.secret}
    if secrets:
        yield Permission(
            sid="Secrets",
            reason=f"variables {', '.join(sorted(secrets))}",
            actions=("secretsmanager:GetSecretValue",),
            resources=_sorted(_secret_arn(names, secret) for secret in secrets.values()),
        )


def _network(names: Names, vpc: Vpc) -> Iterator[Permission]:
    """CodeBuild user guide, "Allow CodeBuild access to AWS services required to create a VPC network interface"; the
    calls that describe know no resources."""
    yield Permission(
        sid="Network",
        reason="network interface in the VPC",
        actions=(
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        resources=("*",),
    )
    subnets = [names.account.arn("ec2", f"subnet/{subnet}") for subnet in vpc.subnets]
    yield Permission(
        sid="NetworkInterface",
        reason="CodeBuild's own use of that interface",
        actions=("ec2:CreateNetworkInterfacePermission",),
        resources=(names.account.arn("ec2", "network-interface/*"),),
        condition={
            "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
            "ArnEquals": {"ec2:Subnet": sorted(subnets)},
        },
    )


def _sorted(arns: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(arns)))


def _secret_arn(names: Names, secret: str) -> str:
    """Of `name:json-key:stage:version` or the same with an ARN; a bare name gets Secrets Manager's six random
    characters as wildcards (Secrets Manager user guide, "Permissions policy examples")."""
    parts = secret.split(":")
    if parts[0] == "arn":
        return ":".join(parts[:SECRET_ARN_PARTS])
    return names.account.arn("secretsmanager", f"secret:{parts[0]}-??????")
