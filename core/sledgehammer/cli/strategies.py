"""`sledge strategies`: what each cache strategy may be expected to take here, and which one `auto` takes."""

import argparse
import sys
from typing import TYPE_CHECKING

from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.errors import ConfigurationError
from sledgehammer.ports import RegistryOwner
from sledgehammer.providers import find_provider, load_providers
from sledgehammer.session import Session, open_by_facts, plan_for, read_graphs

if TYPE_CHECKING:
    from sledgehammer.experience import Experience

MEGABYTE = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reads what earlier builds recorded; 0 whatever it says."""
    session = open_by_facts(arguments.directory, arguments.provider)
    sys.stdout.write(render_strategies(session))
    return 0


def render_strategies(session: Session) -> str:
    """Per image the expected seconds of each strategy, then what is taken and why. Raises what the registry raises."""
    from sledgehammer.experience import read_experience  # noqa: PLC0415 - whoever only renders imports no HTTP

    owner = session.connection
    if not isinstance(owner, RegistryOwner):
        raise ConfigurationError("this provider tells of no registry, where records would be")
    destination = find_provider(session.provider, load_providers()).destination(session.project)
    found = read_experience(session.project, owner, destination, read_graphs(session.project, destination))
    expectations = {one.image: one.seconds for one in found}
    reasons = plan_for(session.project, destination, expectations=expectations).reasons
    known = {one.image: one for one in found}
    lines: list[str] = []
    for image, reason in zip(session.project.images, reasons, strict=True):
        lines += _expectation_lines(known[image.name]) if image.name in known else [_nothing_known(image.name)]
        lines.append(reason)
    return "".join(f"{line}\n" for line in lines)


def _expectation_lines(found: "Experience") -> list[str]:
    history = found.history
    speed = f"{found.link.bytes_per_s / MEGABYTE:.0f} MB/s{'' if found.link.is_measured else ' (a guess)'}"
    taken = "some steps were always cached" if history.run_s is None else f"all steps take {history.run_s:.1f} s"
    head = (
        f"image {found.image}, from its last {history.builds + 1} builds: {taken}, nothing changed in"
        f" {history.unchanged_share:.0%}; its cache has {found.cache_bytes / MEGABYTE:.0f} MB,"
        f" the registry gives {speed}"
    )
    rows = [f"  {one.strategy:<12}{one.seconds:7.1f} s  {one.made_of}" for one in found.expectations]
    return [head, *rows]


def _nothing_known(image: str) -> str:
    return f"image {image}: nothing can be expected before two builds of this branch have left a record"


COMMAND = Command(
    name="strategies",
    help="what each cache strategy may be expected to take, from what earlier builds recorded",
    configure=configure,
    run=run,
)
