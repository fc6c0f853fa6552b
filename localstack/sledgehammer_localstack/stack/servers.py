"""The stack's servers: Python processes that outlive the command which started them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from sledgehammer.errors import RemoteError, TimedOutError
from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack import supervise
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.progress import Say

NO_RUNNER_FILE = "no-runner"
"""Lies in the state directory of a stack whose jobs a runner of the user's takes."""

_READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`part` is the module below sledgehammer_localstack; `health_url` answers 200 when it serves, and is empty
    for the one that serves nobody, the runner."""

    part: str
    endpoint: str
    health_url: str


def servers(config: StackConfig, *, with_runner: bool) -> tuple[Server, ...]:
    """The servers of a stack, in the order in which they start."""
    gitlab = Server(part="gitlab", endpoint=config.gitlab_url, health_url=f"{config.gitlab_url}/-/health")
    aws = Server(part="aws", endpoint=config.aws_url, health_url=f"{config.aws_url}/_health")
    runner = Server(part="runner", endpoint=config.gitlab_url, health_url="")
    return (gitlab, aws, runner) if with_runner else (gitlab, aws)


def has_runner(state_dir: Path) -> bool:
    """Whether our own runner belongs to the stack."""
    return not (state_dir / NO_RUNNER_FILE).exists()


def server_program(part: str, state_dir: Path) -> supervise.Program:
    """How a server is started, recorded and logged."""
    argv = (sys.executable, "-m", f"sledgehammer_localstack.{part}", "--state-dir", str(state_dir))
    record, log = state_dir / "processes" / part, state_dir / "logs" / f"{part}.log"
    return supervise.Program(argv=argv, record=record, log=log, env={})


def start_servers(wanted: Sequence[Server], state_dir: Path, *, say: Say) -> None:
    """Start those that do not run, all at once, and wait until each answers. Raises RemoteError with the end of
    the log of one that does not."""
    for server in wanted:
        program = server_program(server.part, state_dir)
        if not is_server_running(server.part, state_dir):
            say(f"starting {server.part} at {server.endpoint}")
        supervise.start_program(program)
    for server in wanted:
        _await_ready(server, state_dir)


def stop_server(part: str, state_dir: Path) -> bool:
    """End it if it runs; says whether it did."""
    return supervise.stop_recorded(server_program(part, state_dir).record, clock=SystemClock())


def is_server_running(part: str, state_dir: Path) -> bool:
    """Whether the recorded process lives."""
    identity = supervise.read_record(server_program(part, state_dir).record)
    return identity is not None and supervise.is_running(identity)


def is_answering(server: Server) -> bool:
    """Whether it serves; one that serves nobody always does."""
    if not server.health_url:
        return True
    try:
        return requests.get(server.health_url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _await_ready(server: Server, state_dir: Path) -> None:
    log = server_program(server.part, state_dir).log

    def is_ready() -> bool:
        if not is_server_running(server.part, state_dir):
            said = supervise.last_words(log, lines=5)
            raise RemoteError(f"{server.part} ended right after its start: {said}", hint=f"its whole log is {log}")
        return is_answering(server)

    try:
        poll_until(
            is_ready,
            what=f"the start of {server.part} at {server.endpoint}",
            is_final=bool,
            interval_s=0.1,
            longest_interval_s=1.0,
            deadline_s=_READY_TIMEOUT_S,
            clock=SystemClock(),
        )
    except TimedOutError as error:
        said = supervise.last_words(log, lines=5)
        raise RemoteError(f"{error.message}: {said}", hint=f"its whole log is {log}") from error
