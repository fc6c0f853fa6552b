"""`sledge drift`: whether what is there is still what sledge.yaml says."""

import argparse
import sys

from sledgehammer.cli.changes_text import render_changes_json, render_drift
from sledgehammer.cli.command import CHANGES_PENDING, Command, add_projects_option, add_provider_option
from sledgehammer.cli.many import show_plans
from sledgehammer.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_projects_option(parser)
    add_provider_option(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON, in the form of a plan")


def run(arguments: argparse.Namespace) -> int:
    """0 when all is as it should be, 2 when it is not, whoever can mend it. Only reads."""
    if arguments.all is not None:
        return show_plans(
            arguments.all,
            arguments.provider,
            render=render_drift,
            counted=lambda changes: changes.differing,
            as_json=arguments.json,
        )
    changes = open_session(arguments.directory, arguments.provider).plan()
    sys.stdout.write(render_changes_json(changes) if arguments.json else render_drift(changes))
    return CHANGES_PENDING if changes.differing else 0


COMMAND = Command(
    name="drift", help="compare what is there with sledge.yaml; exit code 2 on drift", configure=configure, run=run
)
