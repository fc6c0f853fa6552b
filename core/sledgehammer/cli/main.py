"""argv to exit code."""

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any, NoReturn

from sledgehammer.cli import (
    adopt,
    apply,
    build,
    destroy,
    drift,
    plan,
    predict,
    preflight,
    render,
    run,
    schema,
    strategies,
    why,
)
from sledgehammer.cli.command import Command
from sledgehammer.cli.output import reliable_output
from sledgehammer.errors import ConfigurationError, MissingToolError, SledgehammerError
from sledgehammer.plugins import by_name, missing_module, owner_of

COMMAND_GROUP = "sledgehammer.commands"
LOCAL_STACK_EXTRA = "localstack"  # of our own commands only `stack` needs more than the core
INTERRUPTED = 130

EPILOG = """exit codes: 0 done or nothing to do; 1 a bug; 2 `plan`, `drift` or `destroy` found
something to do; 3 wrong usage or configuration; 4 credentials; 5 not found; 6 conflict; 7 the remote side
failed; 8 timed out; 9 the build failed; 10 something is missing on this machine; 130 interrupted"""


def main(argv: Sequence[str]) -> int:
    """Run one command; expected failures become one sentence on standard error and their exit code."""
    try:
        with reliable_output():
            arguments = _parser(_commands(argv)).parse_args(argv)
            _log_to_stderr(verbose=arguments.verbose)
            code: int = arguments.run(arguments)
    except SledgehammerError as error:
        print(f"sledge: {error}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return error.exit_code
    except KeyboardInterrupt:
        print("sledge: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return code


def entry_point() -> None:
    """The console script. SIGTERM ends it as Ctrl-C does, for schedulers send that."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))


def _commands(argv: Sequence[str]) -> list[Command]:
    """All; ours alone where one of them is named, for others may take long to import."""
    modules = (
        *(render, plan, apply, drift, adopt, destroy),
        *(preflight, strategies, run, why, predict, build, schema),
    )
    ours = [module.COMMAND for module in modules]
    taken = {command.name for command in ours}
    added = by_name(entry_points(group=COMMAND_GROUP), what="command")
    for name in taken & added.keys():
        raise ConfigurationError(
            f"{owner_of(added[name])} adds a command `sledge {name}`, which is ours", hint="uninstall it"
        )
    named = next((word for word in argv if not word.startswith("-")), "")
    return ours if named in taken else ours + [_load(point) for point in added.values()]


def _load(point: EntryPoint) -> Command:
    """A command whose imports are not installed says so when it is called, not before."""
    try:
        loaded: Command = point.load()
    except ModuleNotFoundError as error:
        return _unavailable(point.name, missing_module(point, error, what="command", extra=LOCAL_STACK_EXTRA))
    return loaded


def _unavailable(name: str, error: MissingToolError) -> Command:
    def refuse(arguments: argparse.Namespace) -> int:
        raise error

    def accept_anything(parser: argparse.ArgumentParser) -> None:
        parser.prefix_chars = (
            "\0"  # whatever begins with a dash is no option here, so that it is not refused as unknown
        )
        parser.add_argument("rest", nargs="*")

    return Command(name=name, help="(not installed)", configure=accept_anything, run=refuse)


class _Parser(argparse.ArgumentParser):
    """Wrong usage is wrong configuration, for 2 says that there is something to do; options are written out, for an
    abbreviation means another one once there are more."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ConfigurationError.exit_code, f"{self.prog}: {message}\n")


def _parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sledge",
        description="Cached docker-in-docker builds, planned once, run on any CI.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sledge {version('sledgehammer')}")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell on standard error what is done")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in commands:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.configure(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def _log_to_stderr(*, verbose: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s" if verbose else "sledge: %(message)s",
    )
    for chatty in ("urllib3", "botocore", "boto3", "s3transfer"):  # they log headers and bodies
        logging.getLogger(chatty).setLevel(logging.WARNING)
