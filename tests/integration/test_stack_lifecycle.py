"""A stack's life: up twice, killed in between, side by side with another, down without a trace."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sledgehammer.cli.main import main
from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack import supervise
from sledgehammer_localstack.config import StackConfig, load_secrets
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.images.recipes import RECIPES
from sledgehammer_localstack.stack import StackOptions, down, reset, status, up
from sledgehammer_localstack.stack import up as up_function
from sledgehammer_localstack.stack.servers import server_program

pytestmark = pytest.mark.engine

PROCESSES = LocalProcessRunner()
SERVERS = ("gitlab", "aws", "runner")

# The command itself, with one image in the mirror.
SMALL_UP = """
import importlib, sys
from sledgehammer.cli.main import main
module = importlib.import_module("sledgehammer_localstack.stack.up")
module.RECIPES = module.RECIPES[:1]
sys.exit(main(sys.argv[1:]))
"""


def say_nothing(line: str) -> None:
    """No progress wanted."""


@pytest.fixture
def options(stack: StackConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackOptions]:
    """A second stack on the engine of the first, which is a foreign engine to it; its mirror holds one image."""
    module = sys.modules[up_function.__module__]
    monkeypatch.setattr(module, "RECIPES", RECIPES[:1])
    state_dir = Path(tempfile.mkdtemp(prefix="sl-"))
    yield StackOptions(state_dir=state_dir, name=f"second-{state_dir.name[3:].lower().replace('_', '-')}")
    reset(state_dir, runner=PROCESSES, say=say_nothing)


def identities(options: StackOptions) -> list[supervise.ProcessIdentity | None]:
    """Who runs the servers."""
    return [supervise.read_record(server_program(part, options.state_dir).record) for part in SERVERS]


def test_up_again_makes_and_starts_nothing(stack: StackConfig, options: StackOptions) -> None:
    """The second `up` finds all parts, keeps addresses and credentials, and leaves the other stack alone."""
    first = up(options, runner=PROCESSES, say=say_nothing)
    before, secrets = identities(options), load_secrets(options.state_dir)
    lines: list[str] = []

    second = up(options, runner=PROCESSES, say=lines.append)

    assert second == first
    assert identities(options) == before
    assert load_secrets(options.state_dir) == secrets
    assert not any("made in" in line or "pushing" in line or "starting" in line for line in lines)
    assert first.subnet != stack.subnet
    assert all(part.is_up for part in status(stack.state_dir, runner=PROCESSES))


def test_a_server_that_died_is_started_again(options: StackOptions, capsys: pytest.CaptureFixture[str]) -> None:
    """`status` names the dead one and exits with 1; `up` brings it back and touches no other."""
    up(options, runner=PROCESSES, say=say_nothing)
    before = identities(options)
    assert before[1] is not None
    os.kill(before[1].pid, signal.SIGKILL)

    assert main(["stack", "status", "--state-dir", str(options.state_dir)]) == 1
    assert "aws              stopped" in capsys.readouterr().out
    up(options, runner=PROCESSES, say=say_nothing)

    assert main(["stack", "status", "--state-dir", str(options.state_dir)]) == 0
    after = identities(options)
    assert after[1] != before[1]
    assert (after[0], after[2]) == (before[0], before[2])


def test_up_that_was_killed_is_finished_by_the_next(options: StackOptions) -> None:
    """Cut off while it starts the servers, it leaves no second copy of any behind."""
    argv = [sys.executable, "-c", SMALL_UP, "stack", "up", "--name", options.name]
    argv += ["--state-dir", str(options.state_dir)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "starting gitlab" in line)
        process.kill()

    up(options, runner=PROCESSES, say=say_nothing)

    assert all(part.is_up for part in status(options.state_dir, runner=PROCESSES))
    running = supervise.processes_naming(options.state_dir)
    assert {identity.pid for identity in running} == {who.pid for who in identities(options) if who is not None}


def test_down_leaves_nothing_running_and_reset_nothing_at_all(stack: StackConfig, options: StackOptions) -> None:
    """No process, container or network stays after `down`; no volume or file after `reset`. The engine, which
    was there before, stays."""
    up(options, runner=PROCESSES, say=say_nothing)
    engine, label = ContainerEngine(stack.docker_host), f"sledgehammer.stack={options.name}"
    assert engine.list_containers(label=label)

    down(options.state_dir, runner=PROCESSES, say=say_nothing)

    assert not supervise.processes_naming(options.state_dir)
    assert not engine.list_containers(label=label)
    assert not engine.list_networks(label=label)
    assert engine.list_volumes(label=label)
    assert not any(part.is_up for part in status(options.state_dir, runner=PROCESSES) if part.part != "engine")
    reset(options.state_dir, runner=PROCESSES, say=say_nothing)
    assert not engine.list_volumes(label=label)
    assert not options.state_dir.exists()
    assert engine.has_image("debian:trixie-slim")


def test_without_a_runner_it_says_how_to_bring_one(options: StackOptions, capsys: pytest.CaptureFixture[str]) -> None:
    """`--no-runner` ends ours and prints what `gitlab-runner register` needs."""
    up(options, runner=PROCESSES, say=say_nothing)
    arguments = ["--state-dir", str(options.state_dir), "--name", options.name]

    assert main(["stack", "up", "--no-runner", *arguments]) == 0

    said = capsys.readouterr().out
    token = load_secrets(options.state_dir).gitlab_runner_token.reveal()
    assert f"CI_SERVER_TOKEN={token} gitlab-runner register --non-interactive" in said
    assert "runner" not in {part.part for part in status(options.state_dir, runner=PROCESSES)}
    assert identities(options)[2] is None
