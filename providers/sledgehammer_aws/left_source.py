"""Source archives and caches that stay in a bucket under a name, or in a bucket, that is used no longer."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_aws.account import prefixes_of, source_key_of
from sledgehammer_aws.client import NEXT_VERSION
from sledgehammer_aws.managed import PROJECT_TAG, shared_owner_of
from sledgehammer_aws.site import Site
from sledgehammer_aws.states import ProjectState

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

KEYS_PER_CALL = 1000
"""Of DeleteObjects (S3 API reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftSource:
    """What `project`, which is or was this one's name, left in a bucket: its archive and the caches beside it."""

    site: Site
    bucket: str
    project: str
    kind: str = "aws_s3_object"

    @property
    def name(self) -> str:
        return f"{self.bucket}/{source_key_of(self.project)}"

    @property
    def prefixes(self) -> tuple[str, ...]:
        return prefixes_of(self.project)

    def desired(self) -> Attributes | None:
        return None

    def observe(self, *, anew: bool = False) -> Observed | None:
        stored = self.site.reader.source(self.bucket, source_key_of(self.project), anew=anew)
        return None if stored is None else Observed(attributes={})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 4

    def create(self) -> Collection[str]:
        """Never called."""
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called."""

    def delete(self) -> None:
        remove_objects(self.site, self.bucket, self.prefixes)


def left_sources(site: Site) -> Iterator[LeftSource]:
    """Under former names, and in the bucket that the project is still built from. An archive carries no mark, so its
    name must not be that of somebody else's CodeBuild project, and another bucket must be one of ours."""
    names = site.names
    for project in names.all_projects:
        state = site.reader.project(project)
        if state is not None and not _is_own(site, state):
            continue
        if project != names.project:
            yield LeftSource(site=site, bucket=names.bucket, project=project)
        bucket = _bucket_of(state, project)
        if bucket not in ("", names.bucket) and _is_ours(site, bucket):
            yield LeftSource(site=site, bucket=bucket, project=project)


def remove_objects(site: Site, bucket: str, prefixes: Collection[str]) -> None:
    """All versions of what begins so. A bucket that has gone is no error."""
    for prefix in prefixes:
        found = _versions(site, bucket, prefix)
        for start in range(0, len(found), KEYS_PER_CALL):
            _delete(site, bucket, found[start : start + KEYS_PER_CALL])


def _is_own(site: Site, state: ProjectState) -> bool:
    return shared_owner_of(state.tags) is Owner.SLEDGE and state.tags.get(PROJECT_TAG) == site.names.owner


def _bucket_of(state: ProjectState | None, project: str) -> str:
    """Where the archive is that a project is built from; "" where it is built from something else."""
    source = state.answer.get("source", {}) if state is not None else {}
    bucket, _, key = source.get("location", "").partition("/")
    return bucket if source.get("type") == "S3" and key == source_key_of(project) else ""


def _is_ours(site: Site, bucket: str) -> bool:
    state = site.reader.bucket(bucket)
    return state is not None and shared_owner_of(state.tags) is Owner.SLEDGE


def _versions(site: Site, bucket: str, prefix: str) -> "list[ObjectIdentifierTypeDef]":
    s3, owner = site.clients.s3, site.names.account.id
    pages = site.calls.pages(
        f"s3:ListObjectVersions {bucket}/{prefix}",
        lambda **more: s3.list_object_versions(Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=owner, **more),
        following=NEXT_VERSION,
    )
    try:
        rows = [one for page in pages for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))]
        return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in rows]
    except NotFoundError:
        return []


def _delete(site: Site, bucket: str, objects: "list[ObjectIdentifierTypeDef]") -> None:
    s3, owner = site.clients.s3, site.names.account.id
    site.calls.send(
        f"s3:DeleteObjects {bucket}",
        lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}, ExpectedBucketOwner=owner),
    )
