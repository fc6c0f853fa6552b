"""`sledge predict`: which steps of a build will be cached."""

import argparse
import sys
from pathlib import Path

from sledgehammer.cli.command import Command, add_project_option
from sledgehammer.explain.text import render_predictions
from sledgehammer.forecast import forecast
from sledgehammer.process import LocalProcessRunner
from sledgehammer.providers import load_providers


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    parser.add_argument(
        "span",
        nargs="?",
        default="HEAD",
        metavar="A..B",
        help="two commits, or A against the work tree (default: HEAD)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Needs no network and no engine; always 0, for a miss is no failure."""
    root = Path(arguments.directory).absolute()
    for found in forecast(root, arguments.span, processes=LocalProcessRunner(), providers=load_providers()):
        note = " (not built before)" if found.is_new else ""
        sys.stdout.write(f"image {found.image}{note}\n{render_predictions(found.predictions)}")
    return 0


COMMAND = Command(
    name="predict", help="say which steps of a build will be cached, from git alone", configure=configure, run=run
)
