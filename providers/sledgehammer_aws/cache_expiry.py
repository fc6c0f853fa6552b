"""The rule that empties the bucket of old caches: every commit leaves one, and CodeBuild removes none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_aws.account import CACHES
from sledgehammer_aws.bucket import Bucket
from sledgehammer_aws.shared_write import change_shared
from sledgehammer_aws.site import Site

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import LifecycleRuleOutputTypeDef, LifecycleRuleTypeDef

RULE = "sledgehammer-caches"
EXPIRES = "expires after days"
DAYS = 14
PREFIX = f"{CACHES}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheExpiry:
    """One rule for the caches of all projects in the bucket; rules of others are left alone. The bucket is versioned,
    so what has expired is kept for one more day (S3 user guide, "Managing the lifecycle of objects"). It has the
    bucket's owner, and goes with the bucket."""

    site: Site
    kind: str = "aws_s3_lifecycle_rule"

    @property
    def name(self) -> str:
        return f"{self.site.names.bucket}/{PREFIX}"

    def desired(self) -> Attributes:
        return {"prefix": PREFIX, EXPIRES: str(DAYS)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        bucket = Bucket(site=self.site).observe(anew=anew)
        if bucket is None:
            return None
        found = _ours(self._rules())
        if found is not None:
            return Observed(attributes=found, owner=bucket.owner)
        return None if bucket.owner is Owner.SLEDGE else Observed(attributes={}, owner=bucket.owner)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 3

    def create(self) -> Collection[str]:
        self._put()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._put()

    def mark(self) -> None:
        Bucket(site=self.site).mark()

    def _put(self) -> None:
        change_shared(
            f"the lifecycle configuration of {self.site.names.bucket}",
            change=self._replace,
            is_made=self._is_there,
            clock=self.site.calls.clock,
        )

    def _is_there(self) -> bool:
        return _ours(self._rules()) == self.desired()

    def _replace(self) -> None:
        """The whole configuration, for there is no smaller call: the rules of others are read and written again."""
        s3, bucket, owner = self.site.clients.s3, self.site.names.bucket, self.site.names.account.id
        ours: LifecycleRuleTypeDef = {
            "ID": RULE,
            "Status": "Enabled",
            "Filter": {"Prefix": PREFIX},
            "Expiration": {"Days": DAYS},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        found = self._rules()
        if _ours(found) == self.desired():
            return
        others = [rule for rule in found if rule.get("ID") != RULE]
        self.site.calls.send(
            f"s3:PutBucketLifecycleConfiguration {bucket}",
            lambda: s3.put_bucket_lifecycle_configuration(
                Bucket=bucket, ExpectedBucketOwner=owner, LifecycleConfiguration={"Rules": [*others, ours]}
            ),
        )

    def _rules(self) -> "list[LifecycleRuleOutputTypeDef]":
        """None where there is no configuration yet."""
        s3, bucket, owner = self.site.clients.s3, self.site.names.bucket, self.site.names.account.id
        try:
            found = self.site.calls.send(
                f"s3:GetBucketLifecycleConfiguration {bucket}",
                lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket, ExpectedBucketOwner=owner),
            )
        except NotFoundError:
            return []
        return found["Rules"]


def _ours(rules: "Sequence[LifecycleRuleOutputTypeDef]") -> Attributes | None:
    """Our rule among them, where there is one that works."""
    for rule in rules:
        if rule.get("ID") == RULE and rule["Status"] == "Enabled":
            days = rule.get("Expiration", {}).get("Days", "")
            return {"prefix": rule.get("Filter", {}).get("Prefix", ""), EXPIRES: str(days)}
    return None
