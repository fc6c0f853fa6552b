"""Archives of a job's files: artifacts and caches as zip, reports as gzip or raw."""

import calendar
import gzip
import shutil
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tarfile import TarFile, TarInfo
from typing import IO

from sledgehammer.errors import RemoteError
from sledgehammer_localstack.runner.executor import Executor
from sledgehammer_localstack.runner.patterns import PathPatterns

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # zip knows no older time


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which files of a job to take: those under `paths`, plus those that git does not track where `tracked` is
    given, without those that `exclude` matches."""

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    tracked: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What came of it: how many files and directories, and the patterns that matched nothing."""

    count: int
    unmatched: tuple[str, ...]


def zip_files(executor: Executor, selection: Selection, target: Path) -> Collected:
    """Write the selected files to a zip, with their modes and links."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        return _collect(executor, selection, lambda member, content: _add(archive, member, content))


def join_files(executor: Executor, selection: Selection, target: Path, *, is_gzipped: bool) -> Collected:
    """Write the selected files one after the other, each a gzip stream of its own unless raw, as reports go."""
    with target.open("wb") as out:

        def take(member: TarInfo, content: IO[bytes] | None) -> None:
            if content is None:
                return
            if not is_gzipped:
                shutil.copyfileobj(content, out)
                return
            with gzip.GzipFile(PurePosixPath(member.name).name, "wb", fileobj=out) as packed:
                shutil.copyfileobj(content, packed)

        return _collect(executor, selection, take)


def unzip_into(source: IO[bytes] | Path, tar: TarFile) -> None:
    """Add the members of a zip to a tar, with modes and links.

    Raises RemoteError for something that is not a zip."""
    try:
        with zipfile.ZipFile(source) as archive:
            for info in archive.infolist():
                _move(archive, info, tar)
    except zipfile.BadZipFile as error:
        raise RemoteError("an archive that was fetched is not a zip file") from error


def _collect(executor: Executor, selection: Selection, take: Callable[[TarInfo, IO[bytes] | None], None]) -> Collected:
    wanted = PathPatterns(selection.paths)
    excluded = PathPatterns(selection.exclude, with_contents=False)
    roots = (".",) if selection.tracked is not None else wanted.roots()
    matched: set[str] = set()
    count = 0
    for root in roots:
        with executor.members(root) as members:
            for member, content in members:
                patterns = wanted.matching(member.name)
                if not patterns and not _is_untracked(member, selection.tracked):
                    continue
                matched.update(patterns)
                if excluded.matching(member.name):
                    continue
                take(member, content)
                count += 1
    return Collected(count=count, unmatched=tuple(p for p in wanted.patterns if p not in matched))


def _is_untracked(member: TarInfo, tracked: Iterable[str] | None) -> bool:
    if tracked is None or member.isdir() or member.name.startswith(".git/"):
        return False
    return member.name not in tracked


def _add(archive: zipfile.ZipFile, member: TarInfo, content: IO[bytes] | None) -> None:
    changed = max(time.gmtime(member.mtime)[:6], _EARLIEST)
    info = zipfile.ZipInfo(member.name + ("/" if member.isdir() else ""), changed)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # unix: the mode below is read
    if member.issym():
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, member.linkname)
    elif member.isdir():
        info.external_attr = (stat.S_IFDIR | stat.S_IMODE(member.mode)) << 16
        archive.writestr(info, b"")
    elif content is not None:
        info.external_attr = (stat.S_IFREG | stat.S_IMODE(member.mode)) << 16
        info.file_size = member.size
        with archive.open(info, "w") as out:
            shutil.copyfileobj(content, out)


def _move(archive: zipfile.ZipFile, info: zipfile.ZipInfo, tar: TarFile) -> None:
    mode = info.external_attr >> 16
    member = TarInfo(info.filename.rstrip("/"))
    member.mtime = calendar.timegm((*info.date_time, 0, 0, 0))
    member.mode = stat.S_IMODE(mode) or (0o777 if info.is_dir() else 0o666)
    if info.is_dir():
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif stat.S_ISLNK(mode):
        member.type = tarfile.SYMTYPE
        member.linkname = archive.read(info).decode()
        tar.addfile(member)
    else:
        member.size = info.file_size
        with archive.open(info) as content:
            tar.addfile(member, content)
