"""A project's files as a commit has them, read with git alone: the work tree is not looked at."""

import hashlib
import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.context.listing import ContextFile, FileKind, Keep, keep_all
from sledgehammer.process import Command, ProcessRunner, run_checked

_KINDS = {"100644": FileKind.REGULAR, "100664": FileKind.REGULAR, "100755": FileKind.EXECUTABLE}
_MODES = {FileKind.REGULAR: 0o644, FileKind.EXECUTABLE: 0o755, FileKind.SYMLINK: 0o777, FileKind.SUBMODULE: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitTree:
    """`root` is the project's folder and `prefix` where it lies in the repository, as in a `Checkout`; `commit` is
    any name that git resolves to one."""

    root: Path
    commit: str
    processes: ProcessRunner
    prefix: str = ""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, through links as on a disk; None where there is none, or a link leads out of the
        repository."""
        name = f"{self.commit}:{_join(self.prefix, path)}"
        found = self._git("cat-file", "--batch", "--follow-symlinks", input_bytes=os.fsencode(name) + b"\n")
        return next(_blobs(found, 1), None)

    def files(self, folder: str, *, keep: Keep = keep_all) -> tuple[ContextFile, ...]:
        """Blobs below a folder, and submodules, whose digest is that of their commit's name."""
        top = _join(self.prefix, folder)
        name = f"{self.commit}:{top}" if top else f"{self.commit}^{{tree}}"
        entries = []
        for line in self._git("ls-tree", "-r", "-z", "--full-tree", name).split(b"\0")[:-1]:
            attributes, _, path = line.partition(b"\t")
            mode, _, object_id = attributes.decode().split()
            if keep(os.fsdecode(path)):
                entries.append((os.fsdecode(path), _kind(mode), object_id))
        digests = self._digests([object_id for _, kind, object_id in entries if kind is not FileKind.SUBMODULE])
        return tuple(
            ContextFile(
                path=path,
                kind=kind,
                digest=digests.get(object_id) or hashlib.sha256(object_id.encode()).hexdigest(),
                mode=_MODES[kind],
            )
            for path, kind, object_id in sorted(entries, key=lambda entry: os.fsencode(entry[0]))
        )

    def _digests(self, object_ids: Sequence[str]) -> dict[str, str]:
        """SHA-256 by object, each read once."""
        wanted = list(dict.fromkeys(object_ids))
        if not wanted:
            return {}
        answer = self._git("cat-file", "--batch", input_bytes="".join(f"{name}\n" for name in wanted).encode())
        contents = _blobs(answer, len(wanted))
        return {name: hashlib.sha256(content).hexdigest() for name, content in zip(wanted, contents, strict=True)}

    def _git(self, *argv: str, input_bytes: bytes | None = None) -> bytes:
        command = Command(argv=("git", *argv), cwd=self.root, input_bytes=input_bytes)
        return run_checked(self.processes, command).stdout


def _kind(mode: str) -> FileKind:
    if mode == "120000":
        return FileKind.SYMLINK
    return _KINDS.get(mode, FileKind.SUBMODULE)


def _join(prefix: str, path: str) -> str:
    joined = posixpath.normpath(prefix + path)
    return "" if joined == "." else joined


def _blobs(answer: bytes, count: int) -> Iterator[bytes]:
    """The contents in `git cat-file --batch`'s answer; a missing object has none."""
    at = 0
    for _ in range(count):
        end = answer.index(b"\n", at)
        words = answer[at:end].split()
        if words[-2:-1] != [b"blob"]:
            return
        size = int(words[-1])
        yield answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
