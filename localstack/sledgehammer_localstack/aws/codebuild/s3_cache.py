"""A build's S3 cache: files that its buildspec names, carried from build to build through a bucket.

https://docs.aws.amazon.com/codebuild/latest/userguide/caching-s3.html. A cache with a key is never written again; a
fallback key is a prefix of keys. No failure here fails a build: it is said in the log. What AWS leaves open: of several
caches that a fallback key finds the newest is taken, and a build that failed saves none.
"""

import hashlib
import posixpath
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sledgehammer.errors import ConfigurationError, NotFoundError, SledgehammerError
from sledgehammer_localstack.aws.codebuild.artifacts import select
from sledgehammer_localstack.aws.codebuild.buildspec import ArtifactSpec, CacheSpec
from sledgehammer_localstack.aws.codebuild.workspace import Workspace
from sledgehammer_localstack.aws.role_access import RoleAccess
from sledgehammer_localstack.aws.services import Document

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectTypeDef

WITHOUT_KEY = "cache"
_FAILURES = (SledgehammerError, ClientError, BotoCoreError, tarfile.TarError, OSError)
_MARK = "\x1e"
# Evaluates a key as CodeBuild does, variables and commands in it; a command that fails leaves none.
_EVALUATE = f"""set -e; eval "key=\\"$1\\""; printf '{_MARK}%s' "$key" """


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlace:
    """Where a project's caches lie: all of them below `prefix`, which ends in a slash."""

    bucket: str
    prefix: str


def place_of(cache: Document, project: str) -> CachePlace:
    """Of a project's `cache`; projects meet only in a namespace that they share."""
    bucket, _, path = cache["location"].removeprefix("arn:aws:s3:::").partition("/")
    scope = cache.get("cacheNamespace") or project
    return CachePlace(bucket=bucket, prefix="".join(f"{part}/" for part in (path.strip("/"), scope) if part))


def forget_caches(access: RoleAccess, place: CachePlace) -> None:
    """Delete all caches at a place; a bucket that is gone is fine."""
    with suppress(ClientError):
        for found in _list(access, place.bucket, place.prefix):
            access.s3.delete_object(Bucket=place.bucket, Key=found["Key"])


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Cache:
    """One build's view: `folder` holds the caches of these paths, `key` and `fallback_keys` are evaluated."""

    access: RoleAccess
    bucket: str
    folder: str
    spec: CacheSpec
    key: str
    fallback_keys: tuple[str, ...]
    workspace: Workspace
    say: Callable[[str], None]

    def restore(self) -> None:
        """Unpack the key's cache into the sources, else the newest that a fallback key finds."""
        if not self.spec.restores:
            return
        try:
            name = self._find()
            if not name:
                self.say("Unable to download cache: no cache was found")
                return
            self.say(f"Downloading S3 cache {name.removeprefix(self.folder)}")
            with tempfile.TemporaryFile() as file:
                self.access.s3.download_fileobj(self.bucket, name, file)
                self.workspace.upload(self.workspace.source_dir, file)
        except _FAILURES as error:
            self.say(f"Unable to download cache: {error}")

    def save(self) -> None:
        """Put what the paths name now; a key that has a cache keeps it."""
        if not self.spec.saves:
            return
        name = self.folder + (self.key or WITHOUT_KEY)
        try:
            if self.key and self._exists(name):
                self.say(f"Skipping upload: cache {self.key} exists")
                return
            with tempfile.TemporaryFile() as file:
                if self._pack(file) == 0:
                    self.say(f"Unable to upload cache: nothing at {', '.join(self.spec.paths)}")
                    return
                file.seek(0)
                self.access.s3.upload_fileobj(file, self.bucket, name)
            self.say(f"Uploaded S3 cache {name.removeprefix(self.folder)}")
        except _FAILURES as error:
            self.say(f"Unable to upload cache: {error}")

    def _find(self) -> str:
        exact = self.folder + (self.key or WITHOUT_KEY)
        if self._exists(exact):
            return exact
        for prefix in self.fallback_keys if self.key else ():
            if found := _list(self.access, self.bucket, self.folder + prefix):
                return max(found, key=lambda one: one["LastModified"])["Key"]
        return ""

    def _exists(self, name: str) -> bool:
        return any(found["Key"] == name for found in _list(self.access, self.bucket, name))

    def _pack(self, file: IO[bytes]) -> int:
        packed: set[str] = set()
        with tarfile.open(fileobj=file, mode="w:") as archive:
            for base in dict.fromkeys(_base(path) for path in self.spec.paths):
                with suppress(NotFoundError):
                    self._pack_below(base, archive, packed)
        return len(packed)

    def _pack_below(self, base: str, archive: tarfile.TarFile, packed: set[str]) -> None:
        wanted = ArtifactSpec(files=self.spec.paths)
        top = posixpath.normpath(posixpath.join(self.workspace.source_dir, base))
        with self.workspace.download(top) as stream, tarfile.open(fileobj=stream, mode="r|") as found:
            for member in found:
                member.name = _below(base, member.name)
                if member.islnk():
                    member.linkname = _below(base, member.linkname)
                if member.name not in packed and select([member.name], wanted):
                    packed.add(member.name)
                    archive.addfile(member, found.extractfile(member) if member.isreg() else None)


def open_cache(
    access: RoleAccess,
    place: CachePlace,
    spec: CacheSpec,
    workspace: Workspace,
    *,
    env: Mapping[str, str],
    say: Callable[[str], None],
) -> S3Cache | None:
    """None, said in the log, where a key cannot be evaluated in the build's environment."""
    try:
        key = _evaluate(spec.key, workspace, env) if spec.key else ""
        fallback_keys = tuple(_evaluate(one, workspace, env) for one in spec.fallback_keys)
    except SledgehammerError as error:
        say(f"Unable to initialize cache: {error.message}")
        return None
    version = hashlib.sha256("\n".join(spec.paths).encode()).hexdigest()[:16]  # other paths are another cache
    return S3Cache(
        access=access,
        bucket=place.bucket,
        folder=f"{place.prefix}{version}/",
        spec=spec,
        key=key,
        fallback_keys=fallback_keys,
        workspace=workspace,
        say=say,
    )


def _evaluate(key: str, workspace: Workspace, env: Mapping[str, str]) -> str:
    said = bytearray()
    code = workspace.run(["sh", "-c", _EVALUATE, "sh", key], env=env, on_output=said.extend)
    text = said.decode(errors="replace")
    if code != 0 or _MARK not in text:
        raise ConfigurationError(f"the cache key {key} cannot be evaluated: {text.strip()}")
    return text.rpartition(_MARK)[2]


def _list(access: RoleAccess, bucket: str, prefix: str) -> "list[ObjectTypeDef]":
    pages = access.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found for page in pages for found in page.get("Contents", [])]


def _base(path: str) -> str:
    """The directory or file that a pattern starts from."""
    head = path.partition("*")[0].partition("?")[0]
    return path if head == path else posixpath.dirname(head) or "."


def _below(base: str, member: str) -> str:
    """A member's path in the sources; members of a download start with the last part of what was downloaded."""
    return posixpath.normpath(posixpath.join(base, member.partition("/")[2]))
