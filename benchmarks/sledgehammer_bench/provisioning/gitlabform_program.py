"""gitlabform in a virtual environment of its own, made once and kept."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sledgehammer.errors import MissingToolError, RemoteError, TimedOutError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_bench.provisioning.peers import Skipped

VERSION = "6.3.0"
"""The newest whose pinned requirements could all be had; 6.3.1 differs in merge request approvals alone."""

NEEDS = (3, 12)
PYTHONS = (sys.executable, "python3.14", "python3.13", "python3.12")
NAME = f"gitlabform {VERSION}"
INSTALL_S = 300
RUN_S = 900
_IS_NEW_ENOUGH = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {NEEDS})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gitlabform:
    """The program; `environment` has GITLAB_TOKEN."""

    python: Path
    processes: ProcessRunner
    environment: Mapping[str, str] = field(repr=False)

    def run(self, config: Path, group: str) -> None:
        """Over all projects of the group. It does not look for a newer version of itself. Raises RemoteError."""
        argv = (str(self.python), "-m", "gitlabform.run", "--skip-version-check", "--config", str(config), group)
        run_checked(self.processes, Command(argv=argv, cwd=config.parent, env=self.environment), timeout_s=RUN_S)


def find_gitlabform(folder: Path, processes: ProcessRunner, environment: Mapping[str, str]) -> Gitlabform | Skipped:
    """The one that is kept in `folder`, made there from the package index where there is none yet."""
    made, python = folder / "made", folder / "bin" / "python"
    if not made.exists() or made.read_text(encoding="utf-8") != NAME:
        base = _new_enough(processes)
        if base is None:
            return Skipped(name=NAME, reason=f"no Python {'.'.join(map(str, NEEDS))} or newer on PATH")
        try:
            run_checked(processes, Command(argv=(base, "-m", "venv", "--clear", str(folder))), timeout_s=INSTALL_S)
            argv = (str(python), "-m", "pip", "install", "--quiet", f"gitlabform=={VERSION}")
            run_checked(processes, Command(argv=argv), timeout_s=INSTALL_S)
        except (RemoteError, TimedOutError):  # whose text may have an index's address with a password in it
            return Skipped(
                name=NAME, reason=f"pip could not install it; try: {base} -m pip download gitlabform=={VERSION}"
            )
        made.write_text(NAME, encoding="utf-8")
    return Gitlabform(python=python, processes=processes, environment=environment)


def _new_enough(processes: ProcessRunner) -> str | None:
    for python in PYTHONS:
        try:
            if processes.run(Command(argv=(python, "-c", _IS_NEW_ENOUGH))).exit_code == 0:
                return python
        except MissingToolError:
            continue
    return None
