"""Jobs on this machine itself: scripts in a directory of their own and a clean environment."""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sledgehammer_localstack.runner.executor import Members
from sledgehammer_localstack.unpacking import unpack

_KEPT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER")


class ShellExecutor:
    """Runs one job below `directory`, which is the job's own and goes with it. `project_path` is group/project."""

    def __init__(self, directory: Path, *, project_path: str) -> None:
        self._directory = directory
        self._project = directory / project_path
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    @property
    def project_dir(self) -> str:
        return str(self._project)

    def prepare(self) -> None:
        self._project.mkdir(parents=True)

    def put(self, fill: Callable[[tarfile.TarFile], None]) -> None:
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                fill(tar)
            file.seek(0)
            with tarfile.open(fileobj=file) as tar:
                unpack(tar, self._project, any_links=True)

    @contextmanager
    def members(self, root: str) -> Iterator[Members]:
        yield self._walk(self._project / root)

    def _walk(self, top: Path) -> Members:
        if not os.path.lexists(top):
            return
        with tempfile.TemporaryFile() as unused, tarfile.open(fileobj=unused, mode="w") as namer:
            inside = sorted(top.rglob("*")) if top.is_dir() and not top.is_symlink() else []
            for path in [top, *inside]:
                if path == self._project:
                    continue
                member = namer.gettarinfo(str(path), arcname=str(path.relative_to(self._project)))
                if not path.is_symlink() and path.is_file():
                    member.type = tarfile.REGTYPE  # a second name of one file is a file here
                    with path.open("rb") as content:
                        yield member, content
                else:
                    yield member, None

    def run(self, script: bytes, *, on_output: Callable[[bytes], None]) -> int:
        shell = shutil.which("bash") or "/bin/sh"
        with tempfile.TemporaryFile() as stdin:
            stdin.write(script)
            stdin.seek(0)
            with self._start(shell, stdin) as process:
                assert process.stdout is not None  # noqa: S101 - PIPE was asked for
                while chunk := os.read(process.stdout.fileno(), 65536):
                    on_output(chunk)
        return process.returncode

    def _start(self, shell: str, stdin: IO[bytes]) -> "subprocess.Popen[bytes]":
        with self._lock:
            self._process = subprocess.Popen(
                [shell],
                cwd=self._project,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            process = self._process
        if self._is_stopped:
            self.stop()
        return process

    def stop_script(self) -> None:
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        self._is_stopped = True
        self.stop_script()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
