"""`sledge run`: build on the provider and follow it to the end."""

import argparse
import sys

from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.outcome import BuiltImage, Outcome
from sledgehammer.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)
    parser.add_argument("--no-skip", action="store_true", help="build even if the same content was built before")


def run(arguments: argparse.Namespace) -> int:
    """0 when the build succeeded; a failed one raises BuildFailedError. Ctrl-C cancels the remote build."""

    def show(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    outcome = open_session(arguments.directory, arguments.provider).run(rebuild=arguments.no_skip, on_log=show)
    sys.stdout.write(render_outcome(outcome))
    return 0


def render_outcome(outcome: Outcome) -> str:
    """A line for the run, a line per image: its cached steps and its digest."""
    what = f"run {outcome.run.id} {outcome.status.value} in {outcome.duration_s:.0f} s"
    lines = [f"{outcome.run.provider}: {what if outcome.run.id else 'nothing to build'}"]
    for image in outcome.images:
        lines.append(f"  {image.image}: {render_image(image)}")
    return "\n".join(lines) + "\n"


def render_image(image: BuiltImage) -> str:
    """What became of one image."""
    if image.is_reused:
        return f"already built, tagged {image.reference}"
    where = f", pushed {image.reference}" if image.reference else ""
    return f"{image.cached_steps} of {image.total_steps} steps cached{where}"


COMMAND = Command(name="run", help="build on the provider and follow the log", configure=configure, run=run)
