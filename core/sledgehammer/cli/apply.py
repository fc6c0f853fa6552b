"""`sledge apply`: bring the provider to what sledge.yaml says."""

import argparse
import sys

from sledgehammer.changes import Change
from sledgehammer.cli.changes_text import render_change, render_summary
from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints each change when it is made."""

    def show(change: Change) -> None:
        sys.stdout.write(render_change(change))
        sys.stdout.flush()

    changes = open_session(arguments.directory, arguments.provider).apply(on_change=show)
    sys.stdout.write(render_summary(changes, done=True))
    return 0


COMMAND = Command(name="apply", help="make the changes that plan shows", configure=configure, run=run)
