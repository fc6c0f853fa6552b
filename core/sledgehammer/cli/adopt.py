"""`sledge adopt`: let sledge manage objects that others made."""

import argparse
import sys

from sledgehammer.cli.changes_text import render_changes
from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)
    parser.add_argument(
        "addresses", nargs="+", metavar="ADDRESS", help='an object as plan names it: "gitlab_variable team/web KEY"'
    )


def run(arguments: argparse.Namespace) -> int:
    """Marks them and shows what an apply would then change; nothing else is changed."""
    changes = open_session(arguments.directory, arguments.provider).adopt(arguments.addresses)
    sys.stdout.write(render_changes(changes))
    return 0


COMMAND = Command(
    name="adopt", help="mark existing objects as ours, so that apply may change them", configure=configure, run=run
)
