"""An S3 bucket as it is: one request for each part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sledgehammer.errors import NotFoundError
from sledgehammer_aws.client import Calls
from sledgehammer_aws.states import BucketState

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")

BLOCKED = "blocked"


def read_bucket(s3: "S3Client", calls: Calls, name: str, *, owner: str) -> BucketState | None:
    """Every request names the account that must own the bucket: the name can be guessed, and anybody's be it."""
    reading = _Reading(s3=s3, calls=calls, bucket=name, owner=owner)
    if reading.find("HeadBucket", lambda: s3.head_bucket(Bucket=name, ExpectedBucketOwner=owner)) is None:
        return None
    tags = reading.tags()
    return BucketState(
        tags=tags,
        is_empty=not tags and reading.is_empty(),
        public_access=reading.public_access(),
        versioning=reading.versioning(),
        encryption=reading.encryption(),
    )


def read_bucket_tags(s3: "S3Client", calls: Calls, name: str, *, owner: str) -> Mapping[str, str]:
    """The tags of a bucket that there is."""
    return _Reading(s3=s3, calls=calls, bucket=name, owner=owner).tags()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    s3: "S3Client"
    calls: Calls
    bucket: str
    owner: str

    def find(self, operation: str, request: Callable[[], T]) -> T | None:
        try:
            return self.calls.send(f"s3:{operation} {self.bucket}", request)
        except NotFoundError:
            return None

    def tags(self) -> Mapping[str, str]:
        found = self.find(
            "GetBucketTagging", lambda: self.s3.get_bucket_tagging(Bucket=self.bucket, ExpectedBucketOwner=self.owner)
        )
        return {} if found is None else {tag["Key"]: tag["Value"] for tag in found["TagSet"]}

    def is_empty(self) -> bool:
        found = self.find(
            "ListObjectsV2",
            lambda: self.s3.list_objects_v2(Bucket=self.bucket, ExpectedBucketOwner=self.owner, MaxKeys=1),
        )
        return found is not None and found["KeyCount"] == 0

    def public_access(self) -> str:
        found = self.find(
            "GetPublicAccessBlock",
            lambda: self.s3.get_public_access_block(Bucket=self.bucket, ExpectedBucketOwner=self.owner),
        )
        if found is None:
            return ""
        switches = found["PublicAccessBlockConfiguration"]
        open_doors = sorted(name for name, is_on in switches.items() if not is_on)
        return f"not {', '.join(open_doors)}" if open_doors else BLOCKED

    def versioning(self) -> str:
        found = self.find(
            "GetBucketVersioning",
            lambda: self.s3.get_bucket_versioning(Bucket=self.bucket, ExpectedBucketOwner=self.owner),
        )
        return "" if found is None else found.get("Status", "")

    def encryption(self) -> str:
        found = self.find(
            "GetBucketEncryption",
            lambda: self.s3.get_bucket_encryption(Bucket=self.bucket, ExpectedBucketOwner=self.owner),
        )
        if found is None:
            return ""
        defaults = [
            rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
            for rule in found["ServerSideEncryptionConfiguration"]["Rules"]
            if "ApplyServerSideEncryptionByDefault" in rule
        ]
        return ", ".join(defaults)
