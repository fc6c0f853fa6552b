"""Debian packages that the stack needs on the host, brought by apt where we may."""

import os
import shutil
from collections.abc import Sequence

from sledgehammer.errors import MissingToolError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.progress import Say


def ensure_programs(runner: ProcessRunner, programs: Sequence[str], *, packages: Sequence[str], say: Say) -> None:
    """Install `packages` unless all `programs` are there. Raises MissingToolError with the command to type when
    this is not Debian or Ubuntu, or we are not root."""
    absent = [program for program in programs if which(program) is None]
    if not absent:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingToolError(
            f"{', '.join(absent)} missing on this machine", hint=f"sudo apt-get install {' '.join(packages)}"
        )
    say(f"installing {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
    first = runner.run(Command(argv=install, env=quiet))
    if first.exit_code != 0:  # no package lists yet, or stale ones
        run_checked(runner, Command(argv=("apt-get", "update", "-qq"), env=quiet))
        run_checked(runner, Command(argv=install, env=quiet))


def which(program: str) -> str | None:
    """Where a program is, administrators' directories included: they are not on every PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(program, path=path)
