"""`sledge render`: the CI file to standard output."""

import argparse
import sys
from pathlib import Path

from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.providers import find_provider, load_providers
from sledgehammer.session import read_project, render_ci_file


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Needs no network and no credentials."""
    provider = find_provider(arguments.provider, load_providers())
    sys.stdout.write(render_ci_file(read_project(Path(arguments.directory)), provider).text)
    return 0


COMMAND = Command(name="render", help="print the CI file of a provider", configure=configure, run=run)
