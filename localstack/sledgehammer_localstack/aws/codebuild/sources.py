"""A build's source: a zip file in S3, unpacked where the commands run."""

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.aws.role_access import RoleAccess
from sledgehammer_localstack.aws.services import Document

_SYMLINK = 0o120000
_KIND = 0o170000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`archive` is a zip file, empty for NO_SOURCE; `version` what CodeBuild calls the resolved source version."""

    archive: bytes
    version: str


def fetch_source(access: RoleAccess, source: Document, version: str) -> Source:
    """Raises NotFoundError for an object that is not there or not to be read, ConfigurationError for no zip."""
    if source["type"] == "NO_SOURCE":
        return Source(archive=b"", version="")
    location = source["location"].removeprefix("arn:aws:s3:::")
    bucket, _, key = location.partition("/")
    access.check_bucket(bucket)
    content, found = access.read_object(bucket, key, version)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ConfigurationError(f"the source s3://{bucket}/{key} is no zip file")
    return Source(archive=content, version=found or version)


@contextmanager
def as_tar(archive: bytes) -> Iterator[IO[bytes]]:
    """A zip file's members as a tar file, with their execute bits and symbolic links."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped, tarfile.open(fileobj=file, mode="w:") as tar:
            for member in zipped.infolist():
                _add(tar, zipped, member)
        file.seek(0)
        yield file


def _add(tar: tarfile.TarFile, zipped: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    mode = member.external_attr >> 16
    entry = tarfile.TarInfo(member.filename.rstrip("/"))
    entry.mode = (mode & 0o777) or (0o755 if member.is_dir() else 0o644)
    if member.is_dir():
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    elif mode & _KIND == _SYMLINK:
        entry.type = tarfile.SYMTYPE
        entry.linkname = zipped.read(member).decode()
        tar.addfile(entry)
    else:
        entry.size = member.file_size
        with zipped.open(member) as content:
            tar.addfile(entry, content)
