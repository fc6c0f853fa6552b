"""A project's files as they lie on the disk."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.context.listing import ContextFile, FileKind, Keep, keep_all


@dataclass(frozen=True, slots=True)
class WorkTree:
    """Everything below `root`, tracked or not: what a build on this machine would send."""

    root: Path

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, None where there is none."""
        found = self.root / path
        return found.read_bytes() if found.is_file() else None

    def files(self, folder: str, *, keep: Keep = keep_all) -> tuple[ContextFile, ...]:
        """Regular files and links below a folder; sockets and devices are none."""
        top = self.root / folder
        found = [_record(top, path) for path in _paths(top) if keep(path)]
        return tuple(sorted(filter(None, found), key=lambda file: os.fsencode(file.path)))


def _paths(top: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        below = os.path.relpath(folder, top)
        prefix = "" if below == "." else f"{below}/"
        if prefix == "":
            folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        yield from (prefix + name for name in (*names, *links) if prefix + name != ".git")


def _record(top: Path, path: str) -> ContextFile | None:
    place = top / path
    status = place.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        target = hashlib.sha256(os.fsencode(place.readlink())).hexdigest()
        return ContextFile(path=path, kind=FileKind.SYMLINK, digest=target, mode=mode)
    if not stat.S_ISREG(status.st_mode):
        return None
    kind = FileKind.EXECUTABLE if mode & stat.S_IXUSR else FileKind.REGULAR
    with place.open("rb") as file:
        return ContextFile(path=path, kind=kind, digest=hashlib.file_digest(file, "sha256").hexdigest(), mode=mode)
