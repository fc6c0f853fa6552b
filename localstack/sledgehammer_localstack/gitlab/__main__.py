"""`python -m sledgehammer_localstack.gitlab --state-dir DIR`: serve a stack's GitLab until SIGTERM."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer_localstack.config import load_secrets, load_stack
from sledgehammer_localstack.gitlab.server import GitLabServer
from sledgehammer_localstack.gitlab.settings import settings_of_stack


def main() -> int:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="python -m sledgehammer_localstack.gitlab", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="directory with stack.json and secrets.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        settings = settings_of_stack(load_stack(arguments.state_dir), load_secrets(arguments.state_dir))
        with GitLabServer(settings):
            ended.wait()
    except SledgehammerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
