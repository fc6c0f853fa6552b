"""The S3 bucket for source archives: private, versioned, one for all projects of an account and region."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_aws.bucket_reading import BLOCKED, read_bucket_tags
from sledgehammer_aws.client import NEXT_VERSION
from sledgehammer_aws.managed import OWNER_TAG, SHARED, as_list, has_tags, shared_owner_of, tag_attributes
from sledgehammer_aws.site import Site

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")

FIRST_REGION = "us-east-1"
"""The only region that must not be named as a location constraint (S3 API reference, CreateBucket)."""

ENABLED: Final = "Enabled"
ENCRYPTION: Final = "AES256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """S3 tags a bucket in a second call, so the mark is an attribute here: an empty bucket without tags is one that
    an interrupted apply has left. Deleted only once no project has anything in it."""

    site: Site
    kind: str = "aws_s3_bucket"

    @property
    def name(self) -> str:
        return self.site.names.bucket

    @property
    def _s3(self) -> "S3Client":
        return self.site.clients.s3

    @property
    def _account(self) -> str:
        return self.site.names.account.id

    def desired(self) -> Attributes:
        mark = tag_attributes(SHARED, managed=[OWNER_TAG])
        return {**mark, "public access": BLOCKED, "versioning": ENABLED, "encryption": ENCRYPTION}

    def observe(self, *, anew: bool = False) -> Observed | None:
        state = self.site.reader.bucket(self.name, anew=anew)
        if state is None:
            return None
        owner = shared_owner_of(state.tags)
        is_left = state.is_empty and not state.tags
        mark = {} if is_left else SHARED  # of others: whose it is, is told by `owner`
        return Observed(
            attributes={
                **tag_attributes(mark, managed=[OWNER_TAG]),
                "public access": state.public_access,
                "versioning": state.versioning,
                "encryption": state.encryption,
            },
            owner=Owner.SLEDGE if is_left else owner,
        )

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return {Action.CREATE: 5, Action.DELETE: 1}.get(action, len(attributes) + has_tags(attributes))

    def create(self) -> Collection[str]:
        s3, bucket, region = self._s3, self.name, self.site.names.account.region
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
        s3, bucket, owner = self._s3, self.name, self._account
        if has_tags(attributes):
            self.mark()
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

    def mark(self) -> None:
        """PutBucketTagging replaces all tags, so those of others are read first."""
        s3, bucket, owner = self._s3, self.name, self._account
        tags = as_list({**read_bucket_tags(s3, self.site.calls, bucket, owner=owner), **SHARED})
        self._send(
            "PutBucketTagging",
            lambda: s3.put_bucket_tagging(Bucket=bucket, ExpectedBucketOwner=owner, Tagging={"TagSet": tags}),
        )

    def content(self, *, beside: Collection[str]) -> str:
        """What is in it of others than those prefixes; "" where there is nothing."""
        s3, bucket, owner = self._s3, self.name, self._account
        pages = self.site.calls.pages(
            f"s3:ListObjectVersions {bucket}",
            lambda **more: s3.list_object_versions(Bucket=bucket, ExpectedBucketOwner=owner, **more),
            following=NEXT_VERSION,
        )
        versions = (one for page in pages for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])))
        try:
            key = next((one["Key"] for one in versions if not one["Key"].startswith(tuple(beside))), "")
        except NotFoundError:
            return ""
        return f"objects of others, such as {key}" if key else ""

    def delete(self) -> None:
        s3, bucket, owner = self._s3, self.name, self._account
        try:
            self._send("DeleteBucket", lambda: s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=owner))
        except NotFoundError:
            return

    def _block_public_access(self) -> None:
        s3, bucket, owner = self._s3, self.name, self._account
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

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.site.calls.send(f"s3:{operation} {self.name}", request)
