"""Our plans as a process of its own, from its start to its end: what another program is measured by, too."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import sledgehammer_bench
from sledgehammer.process import Command, ProcessRunner, run_checked


def own_process(
    program: ModuleType, *arguments: str, processes: ProcessRunner, environment: Mapping[str, str]
) -> Callable[[], int]:
    """A run of one of our programs, `plan_projects` or `plan_sets`, which gives how many changes it found. The first
    compiles what is in this checkout, as pip does with what it installs: also where this process is not to."""
    where = os.pathsep.join(str(Path(place).parent) for place in sledgehammer_bench.__path__)
    python = {"PYTHONPATH": where, "PYTHONDONTWRITEBYTECODE": ""}
    command = Command(argv=(sys.executable, "-m", program.__name__, *arguments), env={**environment, **python})
    return lambda: int(json.loads(run_checked(processes, command).text)["pending"])
