"""The committed files as a zip in S3: what CodeBuild builds. Its metadata says which commit it is."""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.checkout import Checkout, archive_zip
from sledgehammer.errors import NotFoundError
from sledgehammer.process import ProcessRunner
from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.managed import Attributes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSource:
    """The archive as S3 holds it; `version` names this very content for StartBuild."""

    commit: str
    sha256: str
    version: str


def read_stored_source(clients: Clients, calls: Calls, names: Names) -> StoredSource | None:
    """Read the archive's metadata; None when there is no archive, or not even a bucket."""
    s3, bucket, key, owner = clients.s3, names.bucket, names.source_key, names.account.id
    try:
        head = calls.send(
            f"s3:HeadObject {bucket}/{key}",
            lambda: s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner),
        )
    except NotFoundError:
        return None
    metadata = head.get("Metadata", {})
    return StoredSource(
        commit=metadata.get("commit", ""), sha256=metadata.get("sha256", ""), version=head.get("VersionId", "")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceArchive:
    """Uploaded anew for every commit; only what is committed is sent."""

    clients: Clients
    calls: Calls
    names: Names
    checkout: Checkout
    processes: ProcessRunner
    kind: str = "aws_s3_object"

    @property
    def name(self) -> str:
        return f"{self.names.bucket}/{self.names.source_key}"

    def desired(self) -> Attributes:
        return {"commit": self.checkout.commit, "sha256": hashlib.sha256(self._archive()).hexdigest()}

    def observe(self) -> Attributes | None:
        stored = read_stored_source(self.clients, self.calls, self.names)
        return None if stored is None else {"commit": stored.commit, "sha256": stored.sha256}

    def create(self) -> Collection[str]:
        self._upload()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._upload()

    def _upload(self) -> None:
        if self.checkout.is_dirty:
            log.warning("%s: uncommitted changes are not sent, commit %s is", self.name, self.checkout.commit[:12])
        s3, names, archive = self.clients.s3, self.names, self._archive()
        metadata = {"commit": self.checkout.commit, "sha256": hashlib.sha256(archive).hexdigest()}
        self.calls.send(
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
