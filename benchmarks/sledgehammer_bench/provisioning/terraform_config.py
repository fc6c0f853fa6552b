"""The same sets as Terraform's configuration has them, in its JSON syntax. Pure.

https://developer.hashicorp.com/terraform/language/syntax/json and the reference of the provider hashicorp/aws.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sledgehammer_aws.account import Account, Names, names_of
from sledgehammer_aws.build_permissions import build_permissions, build_trust
from sledgehammer_aws.build_project import BuildProject, desired_project
from sledgehammer_aws.connection import AwsConnection
from sledgehammer_aws.lifecycle import cache_lifecycle
from sledgehammer_aws.managed import SHARED
from sledgehammer_aws.policy import policy_document
from sledgehammer_aws.role import POLICY_NAME

PROVIDER = "hashicorp/aws"
BUCKET = "sources"

Json = Mapping[str, Any]


def terraform_config(connections: Iterable[AwsConnection], account: Account, *, archive: str) -> str:
    """The text of main.tf.json. `archive` is the path of the zip that builds are of; where AWS is, Terraform takes from
    the environment."""
    resources: dict[str, dict[str, Json]] = {}
    for connection in connections:
        names = names_of(connection.project, connection.settings, account)
        for kind, name, arguments in (*_bucket(names), *_set(connection, names, archive=archive)):
            resources.setdefault(kind, {})[name] = arguments
    provider = {
        "region": account.region,
        "s3_use_path_style": True,  # the local AWS has no names of hosts
        "skip_metadata_api_check": True,
    }
    document = {
        "terraform": {"required_providers": {"aws": {"source": PROVIDER}}},
        "provider": {"aws": provider},
        "resource": resources,
    }
    return json.dumps(document, indent=1).replace("${", "$${")


def _bucket(names: Names) -> Iterable[tuple[str, str, Json]]:
    """One for all sets."""
    at = {"bucket": names.bucket}
    yield "aws_s3_bucket", BUCKET, {**at, "tags": SHARED}
    after = {"depends_on": [f"aws_s3_bucket.{BUCKET}"]}
    yield (
        "aws_s3_bucket_public_access_block",
        BUCKET,
        {
            **at,
            **after,
            "block_public_acls": True,
            "ignore_public_acls": True,
            "block_public_policy": True,
            "restrict_public_buckets": True,
        },
    )
    yield "aws_s3_bucket_versioning", BUCKET, {**at, **after, "versioning_configuration": {"status": "Enabled"}}
    by_default = {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    yield "aws_s3_bucket_server_side_encryption_configuration", BUCKET, {**at, **after, "rule": by_default}


def _set(connection: AwsConnection, names: Names, *, archive: str) -> Iterable[tuple[str, str, Json]]:
    settings, strategy = connection.settings, connection.project.cache.strategy
    key, tags = names.project, {"tags": names.mark.tags}
    for pair in names.repositories:
        for name in (pair.image, pair.cache):
            yield "aws_ecr_repository", name, {"name": name, "image_tag_mutability": "MUTABLE", **tags}
        yield (
            "aws_ecr_lifecycle_policy",
            pair.cache,
            {
                "repository": pair.cache,
                "policy": cache_lifecycle(),
                "depends_on": [f"aws_ecr_repository.{pair.cache}"],
            },
        )
    yield (
        "aws_cloudwatch_log_group",
        key,
        {"name": names.log_group, "retention_in_days": settings.log_retention_days, **tags},
    )
    yield "aws_iam_role", key, {"name": names.role, "assume_role_policy": build_trust(names), **tags}
    permissions = build_permissions(names, settings, buildspec=connection.buildspec, strategy=strategy)
    after_role = {"depends_on": [f"aws_iam_role.{key}"]}
    yield (
        "aws_iam_role_policy",
        key,
        {"name": POLICY_NAME, "role": names.role, "policy": policy_document(permissions), **after_role},
    )
    yield (
        "aws_s3_object",
        key,
        {
            "bucket": names.bucket,
            "key": names.source_key,
            "source": archive,
            "content_type": "application/zip",
            "depends_on": [f"aws_s3_bucket_versioning.{BUCKET}"],
        },
    )
    project = desired_project(names, settings, connection.buildspec, strategy=strategy)
    after_policy = {"depends_on": [f"aws_iam_role_policy.{key}"]}
    yield "aws_codebuild_project", key, {**_project(project, names), **tags, **after_policy}


def _project(project: BuildProject, names: Names) -> Json:
    return {
        "name": names.project,
        "service_role": project.role_arn,
        "build_timeout": project.timeout_minutes,
        "source": {
            "type": "S3",
            "location": f"{names.bucket}/{names.source_key}",
            "buildspec": project.buildspec,
        },
        "artifacts": {"type": project.artifacts},
        "environment": {
            "type": project.environment,
            "image": project.image,
            "compute_type": project.compute_type,
            "privileged_mode": project.privileged,
            "image_pull_credentials_type": project.pull_credentials,
            "environment_variable": [
                {"name": name, "value": content.value, "type": content.type}
                for name, content in project.variables.items()
            ],
        },
        "logs_config": {"cloudwatch_logs": {"status": "ENABLED", "group_name": names.log_group}},
    }
