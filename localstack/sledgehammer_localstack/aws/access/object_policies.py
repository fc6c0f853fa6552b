"""The policies that objects carry themselves, and the ARNs of secrets, which end in random letters."""

from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends

from sledgehammer_localstack.aws.access.directory import PARTITION
from sledgehammer_localstack.aws.ecr.repositories import Repositories

_S3 = "arn:aws:s3:::"


class ObjectPolicies:
    """ECR's repositories here, buckets and secrets in moto."""

    def __init__(self, repositories: Repositories, *, account: str, region: str) -> None:
        self._repositories = repositories
        self._account = account
        self._region = region

    def policy_of(self, arn: str) -> str:
        """The resource policy that speaks about an ARN; "" where there is none."""
        if arn.startswith(_S3):
            bucket = s3_backends[self._account][PARTITION].buckets.get(arn.removeprefix(_S3).partition("/")[0])
            policy = None if bucket is None else bucket.policy
            return "" if policy is None else policy.decode()
        return self._repositories.policy_of(arn)

    def secret_arn(self, name: str) -> str:
        """Of a secret that there is; one that there is not has no random end."""
        secrets = secretsmanager_backends[self._account][self._region].secrets
        if name in secrets:
            return str(secrets[name].arn)
        return f"arn:aws:secretsmanager:{self._region}:{self._account}:secret:{name}"
