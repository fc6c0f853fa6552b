"""How the rendered script ends when something ends it: a signal, a full disk, a limit."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from recording_docker import RunScript, build, export, script_runner

from sledgehammer.operations import Login, PasswordFromEnv, SelectBuilder, WaitForEngine
from sledgehammer.plan import BuildPlan
from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.shell import render_script

LONGEST_WAIT_S = 60


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """In a folder of its own."""
    return script_runner(tmp_path)


def test_all_caches_of_an_image_share_one_limit(run_script: RunScript) -> None:
    """Three that hang cost the job as much as one."""
    exports = tuple(export(what=f"cache {number}", timeout_s=1) for number in range(3))

    ran = run_script(build(exports=exports), REPO="r", SHA="s", A="a", P="true", FAKE_HANG="1")

    assert ran.exit_code == 0
    assert "cache 0 not written: cut off after 1 s" in ran.output
    assert ran.output.count("not written: the 1 s are over that the caches of an image may take") == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="to mount a small file system takes root")
def test_a_full_disk_fails_the_job_and_hangs_nothing(run_script: RunScript, tmp_path: Path) -> None:
    """Even how the build ended cannot be noted then."""
    small = tmp_path / "small"
    small.mkdir()
    script = render_script(BuildPlan(operations=(build(exports=(export(),)),)))
    fill = f'mount -t tmpfs -o size=64k none {small} && export TMPDIR={small} && exec sh -c "$0"'
    tools = run_script.folder / "bin"
    docker = tools / "docker"
    docker.write_text(
        docker.read_text().replace(
            'if "build" in argv:\n    if "FAKE_EXIT"',
            f'if "build" in argv:\n    os.system("cat /dev/zero >{small}/fill 2>/dev/null")\n    if "FAKE_EXIT"',
        )
    )
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "REPO": "r", "SHA": "s"}

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", fill, script],
        cwd=run_script.folder,
        env={**environment, "A": "a", "P": "true"},
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT_S,
        check=False,
    )

    assert done.returncode == 1
    assert "how the build ended could not be noted in" in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_neither_credentials_nor_an_export_behind(
    run_script: RunScript, tmp_path: Path, sent: signal.Signals
) -> None:
    """A cancelled job on a machine that lives on: what it had in its folder for temporary files is gone."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    login = Login(registry=("r",), username=("u",), password=PasswordFromEnv(variable="PASS"))
    operations = (WaitForEngine(), login, SelectBuilder(), build(exports=(export(),)))
    tools = run_script.folder / "bin"
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "TMPDIR": str(temporary)}
    job = subprocess.Popen(
        ["sh", "-c", render_script(BuildPlan(operations=operations))],
        cwd=run_script.folder,
        env={**environment, "REPO": "r", "SHA": "s", "A": "a", "P": "true", "PASS": "p", "FAKE_HANG": "1"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    calls = tools / "calls"
    wait_for(lambda: calls.exists() and "--cache-to" in calls.read_text())
    assert list(temporary.iterdir())
    os.killpg(job.pid, sent)

    job.wait(LONGEST_WAIT_S)
    wait_for(lambda: not list(temporary.iterdir()))
    wait_for(lambda: not exporting(tools))


def wait_for(condition: Callable[[], bool]) -> None:
    poll_until(
        condition, what="the job", is_final=bool, interval_s=0.02, deadline_s=LONGEST_WAIT_S, clock=SystemClock()
    )


def exporting(tools: Path) -> bool:
    """Whether a docker of these tools still runs."""
    docker = str(tools / "docker").encode()
    return any(docker in command for command in map(command_line, Path("/proc").glob("[0-9]*")))


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
