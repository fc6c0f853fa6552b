"""Single files for containers, as a tar stream that `docker cp` takes."""

import contextlib
import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO


def add_files(tar: tarfile.TarFile, files: Mapping[str, Path]) -> None:
    """Add files of this machine under their absolute paths in the container; folders that are not there are made
    as they are unpacked, those that are keep their modes."""
    for path, source in files.items():
        content = source.read_bytes()
        member = tarfile.TarInfo(path.lstrip("/"))
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


@contextlib.contextmanager
def file_archive(files: Mapping[str, Path]) -> Iterator[IO[bytes]]:
    """A tar file with these, to be unpacked at `/`."""
    with tempfile.TemporaryFile() as file:  # docker reads it as its standard input
        with tarfile.open(fileobj=file, mode="w") as tar:
            add_files(tar, files)
        yield file
