"""Commands as processes, against the local GitLab: who reads them and what ends them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Rehearsal, rehearse

LONGEST_WAIT_S = 60
SLEDGE = (sys.executable, "-c", "from sledgehammer.cli.main import entry_point; entry_point()")


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    """A checkout with its sledge.yaml."""
    with rehearse(gitlab_url, tmp_path) as made:
        made.commit(
            "sledge.yaml", f"version: 1\nname: web\ncache: {{strategy: none}}\ngitlab: {{project: {made.path}}}\n"
        )
        yield made


def run(here: Rehearsal, command: str, *, output: int) -> tuple[int, str]:
    """Exit code and standard error."""
    environment = {**os.environ, "GITLAB_URL": here.url, "GITLAB_TOKEN": ROOT_TOKEN}
    done = subprocess.run(
        [*SLEDGE, command, "-p", "gitlab"],
        cwd=here.work,
        env=environment,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def gone() -> Iterator[int]:
    """A pipe whose reader has gone, as that of `| head -1` soon has."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


def test_an_apply_goes_on_when_its_reader_has_gone(here: Rehearsal, gone: int) -> None:
    """All of it is made, and a plan says by its exit code what there is to do."""
    assert run(here, "plan", output=gone) == (2, "")
    assert run(here, "apply", output=gone) == (0, "")
    assert run(here, "plan", output=gone) == (0, "")


def test_what_could_not_be_printed_is_told(here: Rehearsal) -> None:
    """A disk that is full: the work is done all the same."""
    with Path("/dev/full").open("w") as full:
        code, said = run(here, "apply", output=full.fileno())
    assert code == 10
    assert said.startswith("sledge: standard output cannot be written: No space left on device\n  hint: ")
    assert run(here, "plan", output=subprocess.DEVNULL) == (0, "")


def test_sigterm_ends_a_command_as_ctrl_c_does(here: Rehearsal) -> None:
    """A scheduler that ends its job gets a sentence and an exit code; here while GitLab does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(LONGEST_WAIT_S)
        command = subprocess.Popen(
            [*SLEDGE, "plan", "-p", "gitlab"],
            cwd=here.work,
            env={**os.environ, "GITLAB_URL": f"http://127.0.0.1:{silent.getsockname()[1]}", "GITLAB_TOKEN": "t"},
            stderr=subprocess.PIPE,
            text=True,
        )
        asked, _ = silent.accept()
        command.send_signal(signal.SIGTERM)
        _, said = command.communicate(timeout=LONGEST_WAIT_S)
        asked.close()
    assert (command.returncode, said) == (130, "sledge: interrupted\n")
