"""`sledge plan`: what an apply would change."""

import argparse
import os
import sys
from pathlib import Path

from sledgehammer.cli.changes_text import render_changes, render_changes_json
from sledgehammer.cli.command import CHANGES_PENDING, Command, add_projects_option, add_provider_option
from sledgehammer.cli.many import show_plans
from sledgehammer.errors import ConfigurationError
from sledgehammer.provisioning.fingerprint import fingerprint_key
from sledgehammer.provisioning.saved_plan import SavedPlan, save_plan, secret_fingerprints
from sledgehammer.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_projects_option(parser)
    add_provider_option(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--out", metavar="FILE", type=Path, help="save the plan, for: sledge apply FILE")


def run(arguments: argparse.Namespace) -> int:
    """0 when nothing is to do, 2 when something is."""
    if arguments.all is not None:
        if arguments.out is not None:
            raise ConfigurationError("a saved plan is of one project", hint="name it by -C in place of --all")
        return show_plans(
            arguments.all,
            arguments.provider,
            render=render_changes,
            counted=lambda changes: changes.pending,
            as_json=arguments.json,
        )
    session = open_session(arguments.directory, arguments.provider)
    changes = session.plan()
    if arguments.out is not None:
        fingerprints = secret_fingerprints(changes, fingerprint_key(os.environ))
        plan = SavedPlan(project=session.project.name, changes=changes, fingerprints=fingerprints)
        save_plan(arguments.out, plan)
    sys.stdout.write(render_changes_json(changes) if arguments.json else render_changes(changes))
    return CHANGES_PENDING if changes.pending else 0


COMMAND = Command(
    name="plan", help="show what apply would change; exit code 2 if anything", configure=configure, run=run
)
