"""`python -m sledgehammer_localstack.engine --state-dir DIR`: print the address of an engine, started if need be."""

import argparse
import sys
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.engine import ensure_engine
from sledgehammer_localstack.engine.daemon import stop_engine
from sledgehammer_localstack.progress import say_to_stderr


def main() -> int:
    """DOCKER_HOST of the engine to standard output."""
    parser = argparse.ArgumentParser(prog="python -m sledgehammer_localstack.engine")
    parser.add_argument("--state-dir", type=Path, required=True, metavar="DIR", help="where an engine of ours lives")
    parser.add_argument("--stop", action="store_true", help="end the engine that was started there")
    arguments = parser.parse_args()
    runner = LocalProcessRunner()
    try:
        if arguments.stop:
            stop_engine(arguments.state_dir, runner=runner)
        else:
            print(ensure_engine(arguments.state_dir, runner=runner, say=say_to_stderr).docker_host)  # noqa: T201
    except SledgehammerError as error:
        print(f"engine: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
