"""The files of a build context as records, wherever they lie."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class FileKind(Enum):
    """All that a CI checkout keeps of a mode; its umask makes the rest."""

    REGULAR = "regular"
    EXECUTABLE = "executable"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"  # a commit of another repository: what a checkout finds there is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFile:
    """One file. `digest` is the hex SHA-256 of its bytes, or of a link's target; `mode` is its permission bits, 0
    where nothing but the kind is known."""

    path: str  # below the context, with slashes; bytes that are no UTF-8 are surrogates
    kind: FileKind
    digest: str
    mode: int = 0


Keep = Callable[[str], bool]


def keep_all(path: str) -> bool:
    """Lists every file."""
    return True


class Tree(Protocol):
    """The files of a project, at a commit or as they lie on the disk."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file below the project's folder, None where there is none."""

    def files(self, folder: str, *, keep: Keep = keep_all) -> tuple[ContextFile, ...]:
        """The files below a folder of the project that `keep` wants, sorted by their bytes; never those of `.git`."""
