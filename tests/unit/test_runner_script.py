"""The shell text that runs a job, fed to real shells."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sledgehammer_localstack.runner.script import job_script

SHELLS = [shell for shell in ("bash", "dash", "sh") if shutil.which(shell)]


def run(
    shell: str,
    directory: Path,
    commands: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    script = job_script(commands, environment=environment or {}, files=files or {}, directory=str(directory))
    return subprocess.run([shell], input=script.decode(), capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_share_one_shell_and_are_echoed(shell: str, tmp_path: Path) -> None:
    """Variables, functions and the directory of one command reach the next; each is shown in green first."""
    done = run(shell, tmp_path, ["mkdir deep", "cd deep", "here=yes", 'echo "$here in $(basename "$PWD")"'])
    assert done.returncode == 0
    assert "yes in deep\n" in done.stdout
    assert "\x1b[32;1m$ cd deep\x1b[0;m\n" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_first_failure_ends_the_script_with_its_code(shell: str, tmp_path: Path) -> None:
    """A failing command ends the script at once, and its exit code is the job's."""
    done = run(shell, tmp_path, ["echo before", "(exit 42)", "echo after"])
    assert done.returncode == 42
    assert "before\n" in done.stdout
    assert "after\n" not in done.stdout


def test_failure_within_a_pipe_ends_the_script_in_bash(tmp_path: Path) -> None:
    """With bash the failure of any part of a pipe counts."""
    assert run("bash", tmp_path, ["false | cat"]).returncode == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_hostile_values_arrive_unchanged(shell: str, tmp_path: Path) -> None:
    """Quotes, dollars, backslashes and line breaks in variables reach the job as they are, and run nothing."""
    value = "a'b\"c $(touch pwned) `x` \\n\nsecond line"
    done = run(shell, tmp_path, ['printf %s "$HOSTILE" > out'], environment={"HOSTILE": value})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == value
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_file_variable_is_private_file(shell: str, tmp_path: Path) -> None:
    """The content of a file variable lies at its path, for its owner only."""
    path = tmp_path / "job.tmp" / "KUBECONFIG"
    done = run(shell, tmp_path, ["cat job.tmp/KUBECONFIG"], files={str(path): "it's: $secret\n"})
    assert "it's: $secret\n" in done.stdout
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("shell", SHELLS)
def test_command_that_reads_input_does_not_eat_the_script(shell: str, tmp_path: Path) -> None:
    """A command that reads standard input finds it empty; the commands after it still run."""
    done = run(shell, tmp_path, ["cat", "echo still here"])
    assert "still here\n" in done.stdout


def test_debug_trace_shows_what_the_shell_does(tmp_path: Path) -> None:
    """With CI_DEBUG_TRACE the log shows commands as they are run, but not the exports before them."""
    script = job_script(["echo $A"], environment={"A": "x"}, files={}, directory=str(tmp_path), is_traced=True)
    done = subprocess.run(["sh"], input=script, capture_output=True, check=True)
    assert b"+ echo x" in done.stderr
    assert b"export" not in done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_multi_line_command_runs_whole(shell: str, tmp_path: Path) -> None:
    """A block scalar with a loop and a here-document runs as one command; the log shows its first line."""
    done = run(shell, tmp_path, ["for i in 1 2; do\n  cat <<END\nitem $i\nEND\ndone"])
    assert "item 1\nitem 2\n" in done.stdout
    assert "$ for i in 1 2; do # collapsed multi-line command" in done.stdout
