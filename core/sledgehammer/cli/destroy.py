"""`sledge destroy`: delete what sledge has made, and nothing else."""

import argparse
import sys

from sledgehammer.changes import ChangeSet
from sledgehammer.cli.apply import show_change
from sledgehammer.cli.changes_text import render_changes, render_done
from sledgehammer.cli.command import CHANGES_PENDING, Command, add_project_option, add_provider_option
from sledgehammer.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)
    parser.add_argument("--yes", action="store_true", help="do it; without this it is only shown")


def run(arguments: argparse.Namespace) -> int:
    """Shows the plan. Without --yes nothing is deleted: 2 when something would be, 0 when not."""
    session = open_session(arguments.directory, arguments.provider)
    if not arguments.yes:
        changes = session.plan_destruction()
        show_plan(changes)
        if changes.pending:
            sys.stdout.write("nothing was deleted; to delete all of this: sledge destroy --yes\n")
        return CHANGES_PENDING if changes.pending else 0
    changes = session.destroy(on_change=show_change, on_plan=show_plan)
    if changes.pending:
        sys.stdout.write(render_done(changes))
    return 0


def show_plan(changes: ChangeSet) -> None:
    """Print a plan at once."""
    sys.stdout.write(render_changes(changes))
    sys.stdout.flush()


COMMAND = Command(
    name="destroy", help="delete what sledge has made; only shows it unless --yes", configure=configure, run=run
)
