"""What a job needs from the place where its scripts run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from tarfile import TarFile, TarInfo
from typing import IO, Protocol

Members = Iterator[tuple[TarInfo, IO[bytes] | None]]


class Executor(Protocol):
    """One job's place, from `prepare` to `close`. Paths of files are relative to the project directory."""

    @property
    def project_dir(self) -> str:
        """Where the job finds its sources, as the job sees it."""

    def prepare(self) -> None:
        """Make the place ready: services, containers, directories. Raises JobFailedError."""

    def put(self, fill: Callable[[TarFile], None]) -> None:
        """Unpack the tar that `fill` writes into the project directory, which is made when missing."""

    def members(self, root: str) -> AbstractContextManager[Members]:
        """Everything at and below `root` (`.` is the project directory), names relative to the project directory,
        each with its content for regular files. Nothing when `root` does not exist. Read in order, once."""

    def run(self, script: bytes, *, on_output: Callable[[bytes], None]) -> int:
        """Run a shell script to its end and give its exit code."""

    def stop_script(self) -> None:
        """End the script that runs, at once, but keep its files; callable from any thread."""

    def stop(self) -> None:
        """End the job, at once; callable from any thread."""

    def close(self) -> None:
        """Leave nothing behind."""
