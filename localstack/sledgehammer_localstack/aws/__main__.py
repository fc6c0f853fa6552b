"""`python -m sledgehammer_localstack.aws --state-dir DIR`: serve a stack's AWS endpoint until SIGTERM."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer_localstack.aws.codebuild.container_executor import ContainerExecutor
from sledgehammer_localstack.aws.endpoint import AwsEndpoint
from sledgehammer_localstack.aws.settings import engine_of_stack, settings_of_stack
from sledgehammer_localstack.config import load_stack


def main() -> int:
    """Serve until told to end; running builds are stopped then."""
    parser = argparse.ArgumentParser(prog="python -m sledgehammer_localstack.aws", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="directory with stack.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("botocore", "boto3", "urllib3", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        stack = load_stack(arguments.state_dir)
        executor = ContainerExecutor(engine_of_stack(stack))
        executor.sweep()
        with AwsEndpoint(settings_of_stack(stack), executor=executor):
            ended.wait()
        executor.sweep()
    except SledgehammerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
