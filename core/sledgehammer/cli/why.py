"""`sledge why`: what made each step of a build run."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress

from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.errors import ConfigurationError, NotFoundError
from sledgehammer.explain.record import BuildRecord, parse_record, values_by_hash
from sledgehammer.explain.text import render_reasons
from sledgehammer.explain.why import explain
from sledgehammer.ports import RegistryOwner
from sledgehammer.session import Session, open_by_facts


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)
    parser.add_argument(
        "run_id", nargs="?", default="", metavar="RUN", help="id of a run (default: the newest of this branch)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Reads the records of the run and of the one before it from the registry; 0 whatever they say."""
    session = open_by_facts(arguments.directory, arguments.provider)
    for text in explain_run(session, arguments.run_id):
        sys.stdout.write(text)
    return 0


def explain_run(session: Session, run_id: str) -> Iterator[str]:
    """A text per image. Raises NotFoundError where no image of a run left a record."""
    from sledgehammer.registry.client import RegistryClient  # noqa: PLC0415 - no other command speaks HTTP
    from sledgehammer.registry.records import branch_record, read_record, run_record  # noqa: PLC0415

    owner = session.connection
    if not isinstance(owner, RegistryOwner):
        raise ConfigurationError("this provider tells of no registry, where records would be")
    repositories, missing = owner.image_repositories(), []
    with RegistryClient(owner.registry()) as client:
        for image in session.project.images:
            cache = repositories[image.name].cache
            wanted = run_record(cache, run_id) if run_id else branch_record(cache, owner.branch_slug())
            try:
                now = parse_record(read_record(client, wanted))
            except NotFoundError as error:
                missing.append(error)
                if len(missing) == len(session.project.images):
                    raise
                yield f"image {image.name}: no record; it was built before and only tagged, or may not write one\n"
                continue
            before: BuildRecord | None = None
            if now.before:
                with suppress(NotFoundError):  # a cleanup policy may have taken it
                    before = parse_record(read_record(client, cache.with_digest(now.before)))
            yield render_reasons(now, explain(before, now, known=values_by_hash(image.args)))


COMMAND = Command(name="why", help="say what made each step of a build run", configure=configure, run=run)
