"""The one seam through which Docker, git and every other program is run: argv lists, never a shell string."""

import logging
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sledgehammer.errors import MissingToolError, RemoteError, TimedOutError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program call. `env` is added to this process's environment; `input_bytes` goes to standard input."""

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    input_bytes: bytes | None = field(default=None, repr=False)

    def display(self) -> str:
        """The command as a person would type it; environment and standard input stay out (they hold secrets)."""
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command ended: its exit code and both outputs as bytes."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text without the final newline."""
        return self.stdout.decode(errors="replace").rstrip("\n")


class ProcessRunner(Protocol):
    """Runs commands; tests hand in one that holds canned answers."""

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        """Run to the end and give the result, whatever the exit code.

        Raises MissingToolError when the program is not installed and TimedOutError past `timeout_s`.
        """

    def stream(self, command: Command, *, on_line: Callable[[str], None]) -> int:
        """Run to the end, handing over each line of both outputs as it comes; gives the exit code."""


def run_checked(runner: ProcessRunner, command: Command, *, timeout_s: float | None = None) -> Completed:
    """Run and demand exit code 0; RemoteError carries the command and the last lines of its error output."""
    completed = runner.run(command, timeout_s=timeout_s)
    if completed.exit_code != 0:
        said = (completed.stderr or completed.stdout).decode(errors="replace").strip()[-2000:]
        raise RemoteError(f"`{command.display()}` ended with exit code {completed.exit_code}: {said}")
    return completed


class LocalProcessRunner:
    """Runs commands on this machine."""

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        log.debug("run %s", command.display())
        try:
            done = subprocess.run(
                command.argv,
                cwd=command.cwd,
                env={**os.environ, **command.env} if command.env else None,
                input=command.input_bytes,
                stdin=subprocess.DEVNULL if command.input_bytes is None else None,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except FileNotFoundError as error:
            raise _missing(command.argv, error) from error
        except subprocess.TimeoutExpired as error:
            raise TimedOutError(f"`{command.display()}` did not end within {timeout_s} s") from error
        return Completed(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def stream(self, command: Command, *, on_line: Callable[[str], None]) -> int:
        log.debug("stream %s", command.display())
        try:
            process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**os.environ, **command.env} if command.env else None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError as error:
            raise _missing(command.argv, error) from error
        with process:
            assert process.stdout is not None  # noqa: S101 - PIPE was asked for
            try:
                for line in process.stdout:
                    on_line(line.decode(errors="replace").rstrip("\r\n"))
            except BaseException:
                process.terminate()
                raise
        return process.returncode


def _missing(argv: Sequence[str], error: FileNotFoundError) -> Exception:
    if shutil.which(argv[0]) is not None:
        return error  # the program is there: it is the working directory that is not
    return MissingToolError(
        f"`{argv[0]}` is not installed on this machine", hint=f"install it, for example: apt-get install {argv[0]}"
    )
