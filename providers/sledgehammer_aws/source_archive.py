"""The committed files as a zip in S3: what CodeBuild builds. Its metadata says which commit it is."""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.checkout import Checkout, archive_zip, is_dirty
from sledgehammer.process import ProcessRunner
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.left_source import remove_objects
from sledgehammer_aws.site import Site

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceArchive:
    """Uploaded anew for every commit; only what is committed is sent. It and the caches beside it go with a
    destruction: they can be made again."""

    site: Site
    checkout: Checkout
    processes: ProcessRunner
    kind: str = "aws_s3_object"

    @property
    def name(self) -> str:
        return f"{self.site.names.bucket}/{self.site.names.source_key}"

    def desired(self) -> Attributes:
        return {"commit": self.checkout.commit, "sha256": hashlib.sha256(self._archive()).hexdigest()}

    def observe(self, *, anew: bool = False) -> Observed | None:
        """A list tells an object's MD5 only (S3 API reference, Object, `ETag`); when that is ours, so is the rest."""
        bucket, key = self.site.names.bucket, self.site.names.source_key
        stored = self.site.reader.source(bucket, key, anew=anew)
        if stored is not None and not stored.sha256:
            if stored.md5 == hashlib.md5(self._archive(), usedforsecurity=False).hexdigest():
                return Observed(attributes=self.desired())
            stored = self.site.reader.source(bucket, key, anew=True)
        return None if stored is None else Observed(attributes={"commit": stored.commit, "sha256": stored.sha256})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2 if action is Action.DELETE else 1

    def create(self) -> Collection[str]:
        self._upload()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._upload()

    def delete(self) -> None:
        """All versions, and the project's caches. A bucket that has gone is no error."""
        remove_objects(self.site, self.site.names.bucket, self.site.names.own_prefixes)

    def _upload(self) -> None:
        if is_dirty(self.checkout, runner=self.processes):
            log.warning("%s: uncommitted changes are not sent, commit %s is", self.name, self.checkout.commit[:12])
        s3, names, archive = self.site.clients.s3, self.site.names, self._archive()
        metadata = {"commit": self.checkout.commit, "sha256": hashlib.sha256(archive).hexdigest()}
        self.site.calls.send(
            f"s3:PutObject {self.name}",
            lambda: s3.put_object(
                Bucket=names.bucket,
                Key=names.source_key,
                Body=archive,
                ContentType="application/zip",
                Metadata=metadata,
                ExpectedBucketOwner=names.account.id,
            ),
        )

    def _archive(self) -> bytes:
        return archive_zip(self.checkout, runner=self.processes)
