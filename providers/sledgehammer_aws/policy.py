"""The JSON documents of IAM and ECR: what the build's role may do, and what ECR cleans up. Pure."""

import json
from collections.abc import Mapping
from urllib.parse import unquote

from sledgehammer.strategies.per_stage import BY_BRANCH, KEYED
from sledgehammer_aws.account import Names
from sledgehammer_aws.settings import Variable

PULL_AND_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
"""ECR user guide, "Required IAM permissions for pushing an image", and the two for pulling."""

SECRET_ARN_PARTS = 7
"""arn:partition:secretsmanager:region:account:secret:name-suffix"""


def trust_document(names: Names) -> str:
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
    return _document([statement])


def permissions_document(names: Names, variables: Mapping[str, Variable], *, has_file_cache: bool = False) -> str:
    """What a build needs and nothing else: its repositories, its log, its source, the secrets it names, and, where
    CodeBuild carries a cache for it, that."""
    repositories = [names.repository_arn(name) for pair in names.repositories for name in (pair.image, pair.cache)]
    statements: list[dict[str, object]] = [
        _allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),  # knows no resources
        _allow("Images", list(PULL_AND_PUSH), repositories),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{names.log_group_arn}:*"]),
        _allow("Source", ["s3:GetObject", "s3:GetObjectVersion"], [f"{names.bucket_arn}/{names.source_key}"]),
        _allow("Bucket", ["s3:GetBucketAcl", "s3:GetBucketLocation"], [names.bucket_arn]),
    ]
    if has_file_cache:
        statements += _cache_statements(names)
    parameters = [content.parameter for content in variables.values() if content.parameter is not None]
    if parameters:
        arns = [names.account.arn("ssm", f"parameter/{name.lstrip('/')}") for name in parameters]
        statements.append(_allow("Parameters", ["ssm:GetParameters"], arns))
    secrets = [content.secret for content in variables.values() if content.secret is not None]
    if secrets:
        arns = [_secret_arn(names, secret) for secret in secrets]
        statements.append(_allow("Secrets", ["secretsmanager:GetSecretValue"], arns))
    return _document(statements)


def _cache_statements(names: Names) -> list[dict[str, object]]:
    """CodeBuild gets a cache before the build and puts one after it; a fallback key, which is a prefix, it can only
    find by listing, and a key that is absent is "not found" only to who may list (S3 API reference, GetObject)."""
    condition = {"StringLike": {"s3:prefix": f"{names.cache_prefix}/*"}}
    return [
        _allow("Cache", ["s3:GetObject", "s3:PutObject"], [f"{names.bucket_arn}/{names.cache_prefix}/*"]),
        {**_allow("CacheKeys", ["s3:ListBucket"], [names.bucket_arn]), "Condition": condition},
    ]


def cache_lifecycle_document() -> str:
    """Each cache export leaves the one before it untagged, which only a lifecycle rule removes; a stage that is kept
    under its content goes when no branch holds it any more. One image may have both tags: a rule of higher priority
    keeps what it selects from those below it (ECR user guide, "Lifecycle policy evaluation rules")."""
    rules = [
        _expiry("Superseded caches", days=1, tagStatus="untagged"),
        _expiry("Stages that a branch holds", days=365, tagStatus="tagged", tagPrefixList=[BY_BRANCH]),
        _expiry("Stages by their content", days=30, tagStatus="tagged", tagPrefixList=[KEYED]),
    ]
    return json.dumps(
        {"rules": [{"rulePriority": priority, **rule} for priority, rule in enumerate(rules, 1)]}, sort_keys=True
    )


def _expiry(description: str, *, days: int, **selected: object) -> dict[str, object]:
    age = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return {"description": description, "selection": {**selected, **age}, "action": {"type": "expire"}}


def canonical(document: str | Mapping[str, object]) -> str:
    """One text for all spellings of a JSON policy: IAM gives documents back URL-encoded or parsed, keys in any
    order, and a list of one as the item itself; lists in it are sets."""
    return _text(_normal(_parsed(document)))


def statements_of(document: str | Mapping[str, object]) -> Mapping[str, str]:
    """A policy's statements as canonical texts by their Sid, so that a difference is told by statement."""
    found = _parsed(document).get("Statement", [])
    statements = found if isinstance(found, list) else [found]
    return {
        str(statement.get("Sid", position)): _text(_normal({k: v for k, v in statement.items() if k != "Sid"}))
        for position, statement in enumerate(statements, start=1)
    }


def _parsed(document: str | Mapping[str, object]) -> Mapping[str, object]:
    if not isinstance(document, str):
        return document
    parsed: Mapping[str, object] = json.loads(unquote(document) if document.startswith("%") else document)
    return parsed


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _normal(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_normal(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    return value


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": sorted(set(resources))}


def _document(statements: list[dict[str, object]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _secret_arn(names: Names, secret: str) -> str:
    """Of `name:json-key:stage:version` or the same with an ARN; a bare name gets Secrets Manager's six random
    characters as wildcards (Secrets Manager user guide, "Permissions policy examples")."""
    parts = secret.split(":")
    if parts[0] == "arn":
        return ":".join(parts[:SECRET_ARN_PARTS])
    return names.account.arn("secretsmanager", f"secret:{parts[0]}-??????")
