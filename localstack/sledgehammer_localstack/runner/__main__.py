"""`python -m sledgehammer_localstack.runner`: a runner as a process of its own, until SIGTERM."""

import argparse
import fcntl
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sledgehammer.errors import ConflictError, SledgehammerError
from sledgehammer.polling import SystemClock
from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.runner.api import RunnerApi
from sledgehammer_localstack.runner.loop import RunnerLoop
from sledgehammer_localstack.runner.settings import (
    RunnerSettings,
    settings_from_flags,
    settings_from_stack,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or Ctrl-C; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = _settings(options, parser)
        with _only_one(settings.work_dir):
            _serve(settings)
    except SledgehammerError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _serve(settings: RunnerSettings) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = SystemClock()
    api = RunnerApi(settings.url, settings.token, executor=settings.executor, name=settings.name, clock=clock)
    RunnerLoop(settings, api, runner=LocalProcessRunner(), clock=clock, stop=stop).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sledgehammer_localstack.runner", description=__doc__)
    parser.add_argument("--state-dir", type=Path, help="the local stack whose jobs to run")
    parser.add_argument("--url", help="of a GitLab server, in place of --state-dir")
    parser.add_argument("--token-file", type=Path, help="holds the runner's authentication token")
    parser.add_argument("--executor", choices=("docker", "shell"), default="docker")
    parser.add_argument("--config", type=Path, help="TOML: work_dir, name, concurrency, [docker]")
    return parser


def _settings(options: argparse.Namespace, parser: argparse.ArgumentParser) -> RunnerSettings:
    if options.state_dir is not None:
        return settings_from_stack(options.state_dir)
    if not (options.url and options.token_file and options.config):
        parser.error("give --state-dir, or --url with --token-file and --config")
    return settings_from_flags(
        url=options.url, token_file=options.token_file, executor=options.executor, config_file=options.config
    )


@contextmanager
def _only_one(work_dir: Path) -> Iterator[None]:
    """Hold the runner's lock: a second one would remove the first one's containers as left behind."""
    work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # sources and caches of private projects
    with (work_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError(f"another runner works in {work_dir}") from error
        yield


if __name__ == "__main__":
    sys.exit(main())
