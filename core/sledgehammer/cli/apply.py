"""`sledge apply`: bring the provider to what sledge.yaml says."""

import argparse
import os
import sys
from pathlib import Path

from sledgehammer.changes import Change, ChangeSet, accept_plan
from sledgehammer.cli.changes_text import render_change, render_done, render_manual
from sledgehammer.cli.command import Command, add_projects_option
from sledgehammer.cli.many import apply_many
from sledgehammer.errors import ConfigurationError
from sledgehammer.provisioning.fingerprint import fingerprint_key
from sledgehammer.provisioning.saved_plan import SavedPlan, check_still_true, load_plan
from sledgehammer.session import Session, open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_projects_option(parser)
    parser.add_argument("-p", "--provider", metavar="NAME", help="gitlab, aws, or another installed one")
    parser.add_argument(
        "file", nargs="?", metavar="FILE", type=Path, help="a plan saved by plan --out: apply exactly that, or nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints each change when it is made."""
    saved = load_plan(arguments.file) if arguments.file is not None else None
    if arguments.all is not None:
        if saved is not None:
            raise ConfigurationError("a saved plan is of one project", hint="name it by -C in place of --all")
        return apply_many(arguments.all, _provider(arguments.provider, saved))
    session = open_session(arguments.directory, _provider(arguments.provider, saved))
    if saved is not None:
        _check_project(saved, session)

    def check(fresh: ChangeSet) -> None:
        if saved is not None:
            check_still_true(saved, fresh, key=fingerprint_key(os.environ))

    changes = session.apply(on_change=show_change, on_plan=check if saved is not None else accept_plan)
    sys.stdout.write(render_done(changes) + render_manual(changes))
    return 0


def show_change(change: Change) -> None:
    """Print a change at once."""
    sys.stdout.write(render_change(change))
    sys.stdout.flush()


def _provider(named: str | None, saved: SavedPlan | None) -> str:
    planned = saved.changes.provider if saved is not None else None
    if named is None and planned is None:
        raise ConfigurationError("apply needs a provider or a saved plan", hint="sledge apply -p PROVIDER")
    if named is not None and planned is not None and named != planned:
        raise ConfigurationError(f"the saved plan is for {planned}, not for {named}", hint="leave out -p")
    return str(named or planned)


def _check_project(saved: SavedPlan, session: Session) -> None:
    if saved.project != session.project.name:
        raise ConfigurationError(
            f"the saved plan is for the project {saved.project}, not for {session.project.name}", hint="-C its folder"
        )


COMMAND = Command(name="apply", help="make the changes that plan shows", configure=configure, run=run)
