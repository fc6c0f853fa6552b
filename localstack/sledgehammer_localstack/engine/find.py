"""Find a Docker engine that is already there, and ask it about itself."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import RemoteError, TimedOutError
from sledgehammer.process import Command, ProcessRunner, run_checked

DEFAULT_SOCKET = Path("/var/run/docker.sock")
_ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A reachable engine. `is_owned`: we started it for one state directory, and end it with the stack."""

    docker_host: str
    version: str
    is_owned: bool


def find_engine(runner: ProcessRunner) -> Engine | None:
    """The engine that `docker` itself would use: DOCKER_HOST, else the current context, else the default
    socket. None when there is no client or nothing answers there. A DOCKER_HOST that the user set and that does
    not answer is an error, never silently replaced by another engine."""
    if shutil.which("docker") is None:
        return None
    named = os.environ.get("DOCKER_HOST", "")
    address = named or _context_address(runner) or f"unix://{DEFAULT_SOCKET}"
    version = ask_version(runner, address)
    if not version and named:
        raise RemoteError(f"no Docker engine answers at DOCKER_HOST={named}", hint="start it, or unset DOCKER_HOST")
    return Engine(docker_host=address, version=version, is_owned=False) if version else None


def ask_version(runner: ProcessRunner, docker_host: str) -> str:
    """The engine's version; empty when nothing answers."""
    argv = ("docker", "--host", docker_host, "info", "--format", "{{.ServerVersion}}")
    try:
        answer = runner.run(Command(argv=argv), timeout_s=_ANSWER_TIMEOUT_S)
    except TimedOutError:
        return ""
    return answer.text.strip() if answer.exit_code == 0 else ""


def _context_address(runner: ProcessRunner) -> str:
    """Where the current `docker context` points (Docker Desktop, rootless); empty for a client without contexts."""
    answer = runner.run(Command(argv=("docker", "context", "inspect")), timeout_s=_ANSWER_TIMEOUT_S)
    if answer.exit_code != 0:
        return ""
    address: str = json.loads(answer.stdout)[0]["Endpoints"]["docker"]["Host"]
    return address


def ensure_privileged(runner: ProcessRunner, engine: Engine, *, image: str) -> None:
    """Start one privileged container (`image` must hold `true`). Raises RemoteError in words when the engine
    cannot: without it no docker-in-docker job can run."""
    argv = ("docker", "--host", engine.docker_host, "run", "--rm", "--privileged", "--network", "none")
    try:
        run_checked(runner, Command(argv=(*argv, "--entrypoint", "true", image)))
    except RemoteError as error:
        raise RemoteError(
            f"the engine at {engine.docker_host} cannot run a privileged container, which docker-in-docker needs: "
            f"{error.message}",
            hint="let the stack start an engine of its own: unset DOCKER_HOST, stop the other one, run as root",
        ) from error
