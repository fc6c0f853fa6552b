"""An engine of our own beside another one: started, used, killed, and gone without a trace."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer_localstack import supervise
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.engine.daemon import delete_engine_data, is_engine_running, start_engine, stop_engine
from sledgehammer_localstack.engine.find import Engine
from sledgehammer_localstack.engine.paths import engine_paths

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine"),
]

PROCESSES = LocalProcessRunner()
IMAGE = "debian:trixie-slim"
ALL_THAT_DOCKER_20_KNOWS = (1 << 38) - 1  # up to CAP_AUDIT_READ; newer ones came with Docker 23


def say_nothing(line: str) -> None:
    """No progress wanted."""


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A short path of its own; whatever the test left there is ended."""
    path = Path(tempfile.mkdtemp(prefix="sl-"))
    yield path
    stop_engine(path, runner=PROCESSES)
    delete_engine_data(path, runner=PROCESSES)
    path.rmdir()


@pytest.fixture
def engine(stack: StackConfig, state_dir: Path) -> Engine:
    """A second engine that holds one image of the first."""
    engine = start_engine(state_dir, runner=PROCESSES, say=say_nothing)
    with subprocess.Popen(["docker", "--host", stack.docker_host, "save", IMAGE], stdout=subprocess.PIPE) as source:
        load = ["docker", "--host", engine.docker_host, "load"]
        subprocess.run(load, stdin=source.stdout, check=True, capture_output=True)
    return engine


def in_container(engine: Engine, *words: str) -> str:
    """What a command in a privileged container says."""
    argv = ("docker", "--host", engine.docker_host, "run", "--rm", "--privileged", IMAGE, *words)
    return run_checked(PROCESSES, Command(argv=argv)).text


def capabilities(status: str, kind: str) -> str:
    """One capability mask of a /proc/<pid>/status text."""
    return next(line.split()[1] for line in status.splitlines() if line.startswith(kind))


def test_a_privileged_container_gets_all_that_the_host_has(engine: Engine) -> None:
    """Also on a host that lacks a capability which Docker asks for: no less than the host, and no failure."""
    inside = int(capabilities(in_container(engine, "cat", "/proc/self/status"), "CapEff"), 16)
    host = int(capabilities(Path("/proc/self/status").read_text(), "CapBnd"), 16)

    assert inside & ALL_THAT_DOCKER_20_KNOWS == host & ALL_THAT_DOCKER_20_KNOWS


def test_two_engines_do_not_disturb_each_other(stack: StackConfig, engine: Engine) -> None:
    """Containers of the first still resolve names and reach the host after the second was started."""
    script = f"exec 3<>/dev/tcp/{stack.gateway}/{stack.gitlab_port} && getent hosts deb.debian.org"
    argv = ("docker", "--host", stack.docker_host, "run", "--rm", "--network", stack.network, IMAGE)

    said = run_checked(PROCESSES, Command(argv=(*argv, "bash", "-c", script))).text

    assert "deb" in said
    assert "deb" in in_container(engine, "getent", "hosts", "deb.debian.org")


def test_a_running_engine_is_found_again(engine: Engine, state_dir: Path) -> None:
    """A second start gives the same engine."""
    identity = supervise.read_record(engine_paths(state_dir).record)

    assert start_engine(state_dir, runner=PROCESSES, say=say_nothing) == engine

    assert supervise.read_record(engine_paths(state_dir).record) == identity


def test_stopping_leaves_no_process_and_no_bridge(engine: Engine, state_dir: Path) -> None:
    """Containers that still run end with the engine; its images are there at the next start."""
    argv = ("docker", "--host", engine.docker_host, "run", "--detach", IMAGE, "sleep", "600")
    run_checked(PROCESSES, Command(argv=argv))

    assert stop_engine(state_dir, runner=PROCESSES)

    assert not supervise.processes_naming(engine_paths(state_dir).home)
    assert not Path("/sys/class/net", engine_paths(state_dir).bridge).exists()
    again = start_engine(state_dir, runner=PROCESSES, say=say_nothing)
    assert in_container(again, "echo", "still here") == "still here"


def test_an_engine_that_was_killed_is_cleared_away(engine: Engine, state_dir: Path) -> None:
    """Its containerd and the shims of its containers survive a SIGKILL; stopping ends them, starting works."""
    argv = ("docker", "--host", engine.docker_host, "run", "--detach", IMAGE, "sleep", "600")
    run_checked(PROCESSES, Command(argv=argv))
    identity = supervise.read_record(engine_paths(state_dir).record)
    assert identity is not None
    os.kill(identity.pid, signal.SIGKILL)
    poll_until(
        lambda: is_engine_running(state_dir),
        what="the end of the killed engine",
        is_final=lambda running: not running,
        interval_s=0.02,
        deadline_s=30,
        clock=SystemClock(),
    )

    again = start_engine(state_dir, runner=PROCESSES, say=say_nothing)

    assert in_container(again, "echo", "works") == "works"
    stop_engine(state_dir, runner=PROCESSES)
    assert not supervise.processes_naming(engine_paths(state_dir).home)
