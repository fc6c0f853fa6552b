"""`sledge build`: the CI's build on this machine's engine."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from sledgehammer.checkout import is_dirty, read_checkout
from sledgehammer.cli.command import Command, add_project_option
from sledgehammer.local_build import build_here, local_destination
from sledgehammer.process import LocalProcessRunner
from sledgehammer.project import CacheSettings
from sledgehammer.session import plan_for, read_project


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Builds the work tree as it is, uncommitted changes included."""
    processes = LocalProcessRunner()
    found = read_project(Path(arguments.directory))
    project = replace(found, cache=CacheSettings(strategy="none"))
    checkout = read_checkout(project.root, runner=processes)
    commit = f"{checkout.commit[:12]}-dirty" if is_dirty(checkout, runner=processes) else checkout.commit[:12]
    plan = plan_for(project, local_destination(project, commit=commit))

    def show(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    for image in build_here(project, plan, processes=processes, on_log=show):
        show(f"{image.image}: {image.cached_steps} of {image.total_steps} steps cached")
    return 0


COMMAND = Command(name="build", help="run the CI's build on this machine's engine", configure=configure, run=run)
