"""`sledge schema`: the JSON Schema of sledge.yaml, for editors and checkers."""

import argparse
import json
import sys

from sledgehammer.cli.command import Command
from sledgehammer.config import project_schema
from sledgehammer.providers import load_providers


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(arguments: argparse.Namespace) -> int:
    """Covers the sections of all installed providers."""
    sys.stdout.write(json.dumps(project_schema(load_providers()), indent=2) + "\n")
    return 0


COMMAND = Command(name="schema", help="print the JSON Schema of sledge.yaml", configure=configure, run=run)
