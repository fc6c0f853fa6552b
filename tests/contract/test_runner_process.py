"""The runner as a process: its flags, its end, and what it says when it cannot start."""

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runner_server import TOKEN, RunnerServer, payload

MODULE = [sys.executable, "-m", "sledgehammer_localstack.runner"]


@pytest.fixture
def server() -> Iterator[RunnerServer]:
    """The server's side alone."""
    with RunnerServer() as server:
        yield server


def flags(server: RunnerServer, tmp_path: Path, config: str = "") -> list[str]:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "runner.toml").write_text(config or f'work_dir = "{tmp_path}/work"\n')
    places = ["--token-file", str(tmp_path / "token"), "--config", str(tmp_path / "runner.toml")]
    return ["--url", server.url, "--executor", "shell", *places]


def test_process_runs_jobs_until_it_is_told_to_end(server: RunnerServer, tmp_path: Path) -> None:
    """SIGTERM in the middle of a job reports the job as failed and ends the process cleanly; a second runner in
    the same place is refused meanwhile; the token shows nowhere."""
    command = [*MODULE, *flags(server, tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        job = server.enqueue(payload(1, ["echo working", "sleep 600"]))
        server.wait_for_output(job, "\nworking\n")
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert server.finals[job]["failure_reason"] == "runner_system_failure"
    assert second.returncode == 6
    assert "another runner works in" in second.stderr
    assert TOKEN not in said
    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o700  # sources of private projects lie there


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ('work_dir = "/tmp/x"\nconcurency = 2\n', "unknown key `concurency`"),
        ("name = 'x'\n", "`work_dir` is missing"),
        ("work_dir = \n", "is not TOML"),
    ],
)
def test_config_file_that_is_wrong_is_named(server: RunnerServer, tmp_path: Path, config: str, named: str) -> None:
    """A mistake in the runner's file ends it with one line that names file and key."""
    command = [*MODULE, *flags(server, tmp_path, config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert f"{tmp_path}/runner.toml" in done.stderr
    assert named in done.stderr


def test_missing_stack_is_said(tmp_path: Path) -> None:
    """A state directory without a stack is one sentence with the command that makes one."""
    command = [*MODULE, "--state-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 5
    assert "sledge stack up" in done.stderr
