"""Builds as plain processes of this machine, in a directory of their own: for machines without an engine."""

import contextlib
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from sledgehammer.errors import NotFoundError
from sledgehammer_localstack.aws.codebuild.workspace import OnOutput, Provision
from sledgehammer_localstack.unpacking import unpack


class ProcessExecutor:
    """Ignores the image: every image is this machine."""

    def open(self, provision: Provision) -> "ProcessWorkspace":
        return ProcessWorkspace(provision)

    def forget_layers(self, project: str) -> None:
        """There is no Docker daemon whose layers could be kept."""


class ProcessWorkspace:
    """A temporary directory; commands get PATH and the provision's variables, nothing else of ours."""

    def __init__(self, provision: Provision) -> None:
        self._env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **provision.env}
        self._root = Path(tempfile.mkdtemp(prefix="codebuild-"))
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False
        for directory in (self.source_dir, self.control_dir):
            Path(directory).mkdir(mode=0o700)

    @property
    def source_dir(self) -> str:
        return str(self._root / "src")

    @property
    def control_dir(self) -> str:
        return str(self._root / "control")

    def upload(self, directory: str, tar: IO[bytes]) -> None:
        tar.seek(0)
        with tarfile.open(fileobj=tar, mode="r:") as archive:
            unpack(archive, Path(directory))

    def run(self, argv: Sequence[str], *, env: Mapping[str, str], on_output: OnOutput) -> int:
        with self._lock:
            if self._is_stopped:
                return 137
            self._process = subprocess.Popen(
                argv,
                cwd=self.source_dir,
                env={"HOME": str(self._root), **self._env, **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that `stop` reaches its children too
            )
        with self._process as process:
            assert process.stdout is not None  # noqa: S101 - PIPE was asked for
            while chunk := os.read(process.stdout.fileno(), 65536):
                on_output(chunk)
        return process.returncode

    @contextlib.contextmanager
    def download(self, path: str) -> Iterator[IO[bytes]]:
        if not Path(path).exists():
            raise NotFoundError(f"nothing at {path}")
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w:") as archive:
                archive.add(path, arcname=Path(path).name)
            file.seek(0)
            yield file

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            if self._process is not None and self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._root, ignore_errors=True)
