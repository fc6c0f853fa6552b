"""What a subcommand is; other distributions add theirs through the entry-point group `sledgehammer.commands`."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHANGES_PENDING = 2
"""Exit code of a command that shows changes, when there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`run` gives the exit code; expected failures are raised as SledgehammerErrors."""

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_project_option(parser: argparse._ActionsContainer) -> None:
    """`-C DIR`: the folder of sledge.yaml."""
    parser.add_argument("-C", "--directory", default=".", metavar="DIR", help="folder of sledge.yaml (default: .)")


def add_projects_option(parser: argparse.ArgumentParser) -> None:
    """`-C DIR`, or `--all DIR`: the folder of one project, or one that holds many."""
    group = parser.add_mutually_exclusive_group()
    add_project_option(group)
    group.add_argument(
        "--all", metavar="DIR", type=Path, help="every folder below DIR with a sledge.yaml that names the provider"
    )


def add_provider_option(parser: argparse.ArgumentParser) -> None:
    """`-p NAME`: the provider."""
    parser.add_argument("-p", "--provider", required=True, metavar="NAME", help="gitlab, aws, or another installed one")
