"""The S3 bucket for source archives: private, versioned, one for all projects of an account and region."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from sledgehammer.errors import NotFoundError
from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.managed import OWNER, OWNER_TAG, Attributes, check_owner, has_tags, tag_attributes

T = TypeVar("T")

FIRST_REGION = "us-east-1"
"""The only region that must not be named as a location constraint (S3 API reference, CreateBucket)."""

BLOCKED = "blocked"
ENABLED: Final = "Enabled"
ENCRYPTION: Final = "AES256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Every call names the account that must own the bucket: the name can be guessed, and anybody's be it."""

    clients: Clients
    calls: Calls
    names: Names
    kind: str = "aws_s3_bucket"

    @property
    def name(self) -> str:
        return self.names.bucket

    def desired(self) -> Attributes:
        tags = tag_attributes({OWNER_TAG: OWNER}, managed=[OWNER_TAG])
        return {**tags, "public access": BLOCKED, "versioning": ENABLED, "encryption": ENCRYPTION}

    def observe(self) -> Attributes | None:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        try:
            self._send("HeadBucket", lambda: s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner))
        except NotFoundError:
            return None
        tags = self._read_tags()
        if tags or not self._is_empty():
            check_owner(self, tags, project="")
        return {
            **tag_attributes(tags, managed=[OWNER_TAG]),
            "public access": self._read_public_access(),
            "versioning": self._read_versioning(),
            "encryption": self._read_encryption(),
        }

    def create(self) -> Collection[str]:
        s3, bucket, region = self.clients.s3, self.name, self.names.account.region
        if region == FIRST_REGION:
            self._send("CreateBucket", lambda: s3.create_bucket(Bucket=bucket))
        else:
            self._send(
                "CreateBucket",
                lambda: s3.create_bucket(
                    Bucket=bucket,
                    CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
                ),
            )
        return tuple(self.desired())

    def update(self, attributes: Collection[str]) -> None:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        if has_tags(attributes):
            tags = {**self._read_tags(), OWNER_TAG: OWNER}
            self._send(
                "PutBucketTagging",
                lambda: s3.put_bucket_tagging(
                    Bucket=bucket,
                    ExpectedBucketOwner=owner,
                    Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]},
                ),
            )
        if "public access" in attributes:
            self._block_public_access()
        if "versioning" in attributes:
            self._send(
                "PutBucketVersioning",
                lambda: s3.put_bucket_versioning(
                    Bucket=bucket, ExpectedBucketOwner=owner, VersioningConfiguration={"Status": ENABLED}
                ),
            )
        if "encryption" in attributes:
            self._send(
                "PutBucketEncryption",
                lambda: s3.put_bucket_encryption(
                    Bucket=bucket,
                    ExpectedBucketOwner=owner,
                    ServerSideEncryptionConfiguration={
                        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": ENCRYPTION}}]
                    },
                ),
            )

    def _block_public_access(self) -> None:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        self._send(
            "PutPublicAccessBlock",
            lambda: s3.put_public_access_block(
                Bucket=bucket,
                ExpectedBucketOwner=owner,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            ),
        )

    def _read_tags(self) -> Mapping[str, str]:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        try:
            found = self._send(
                "GetBucketTagging", lambda: s3.get_bucket_tagging(Bucket=bucket, ExpectedBucketOwner=owner)
            )
        except NotFoundError:
            return {}
        return {tag["Key"]: tag["Value"] for tag in found["TagSet"]}

    def _is_empty(self) -> bool:
        """An empty bucket without tags is one that an interrupted apply has left: S3 tags it in a second call."""
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        found = self._send(
            "ListObjectsV2", lambda: s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner=owner, MaxKeys=1)
        )
        return found["KeyCount"] == 0

    def _read_public_access(self) -> str:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        try:
            found = self._send(
                "GetPublicAccessBlock", lambda: s3.get_public_access_block(Bucket=bucket, ExpectedBucketOwner=owner)
            )
        except NotFoundError:
            return ""
        switches = found["PublicAccessBlockConfiguration"]
        open_doors = sorted(name for name, is_on in switches.items() if not is_on)
        return f"not {', '.join(open_doors)}" if open_doors else BLOCKED

    def _read_versioning(self) -> str:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        found = self._send(
            "GetBucketVersioning", lambda: s3.get_bucket_versioning(Bucket=bucket, ExpectedBucketOwner=owner)
        )
        return found.get("Status", "")

    def _read_encryption(self) -> str:
        s3, bucket, owner = self.clients.s3, self.name, self.names.account.id
        try:
            found = self._send(
                "GetBucketEncryption", lambda: s3.get_bucket_encryption(Bucket=bucket, ExpectedBucketOwner=owner)
            )
        except NotFoundError:
            return ""
        defaults = [
            rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
            for rule in found["ServerSideEncryptionConfiguration"]["Rules"]
            if "ApplyServerSideEncryptionByDefault" in rule
        ]
        return ", ".join(defaults)

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.calls.send(f"s3:{operation} {self.name}", request)
