"""Tar archives unpacked below a folder and nowhere else."""

import os
import tarfile
from pathlib import Path


def unpack(archive: tarfile.TarFile, folder: Path, *, any_links: bool = False) -> None:
    """Unpack all of it, owned by who runs this. Raises tarfile.TarError for a member that would lie outside of `folder`
    or is no file, folder or link; also for a link that leads out of it, unless `any_links`, as a repository may have.

    Python has filters for that since 3.11.4; Debian 12 has 3.11.2 (PEP 706).
    """
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="tar" if any_links else "data")  # noqa: S202 - it has a filter
        return
    root = folder.resolve()
    for member in archive:
        _check(member, root, any_links=any_links)
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        archive.extract(member, root)


def _check(member: tarfile.TarInfo, root: Path, *, any_links: bool) -> None:
    """What is there already counts: a name may lead through a link that was unpacked before."""
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise tarfile.TarError(f"{member.name} is a special file")
    place = root / member.name
    if not place.parent.resolve().is_relative_to(root) or ".." in place.parts:
        raise tarfile.TarError(f"{member.name} would lie outside of its folder")
    if member.islnk() or (member.issym() and not any_links):
        start = root if member.islnk() else place.parent
        if not (start / member.linkname).resolve().is_relative_to(root):
            raise tarfile.TarError(f"{member.name} leads out of its folder")
