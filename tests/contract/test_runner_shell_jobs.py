"""Jobs of the shell executor, over the runner API on loopback."""

import gzip
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from runner_server import TOKEN, RunnerServer, payload

from sledgehammer.errors import CredentialsError
from sledgehammer.polling import SystemClock
from sledgehammer.process import LocalProcessRunner
from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.api import RunnerApi
from sledgehammer_localstack.runner.loop import RunnerLoop
from sledgehammer_localstack.runner.settings import RunnerSettings

ARCHIVE = {"artifact_type": "archive", "artifact_format": "zip", "when": "on_success"}


def loop(url: str, work_dir: Path, stop: threading.Event, token: str = TOKEN) -> RunnerLoop:
    settings = RunnerSettings(
        url=url, token=Secret(token), work_dir=work_dir, check_interval_s=0.05, log_interval_s=0.05
    )
    api = RunnerApi(url, settings.token, executor="shell", name="test", clock=SystemClock())
    return RunnerLoop(settings, api, runner=LocalProcessRunner(), clock=SystemClock(), stop=stop)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunnerServer]:
    """A server with a shell runner at work."""
    stop = threading.Event()
    with RunnerServer() as server:
        thread = threading.Thread(target=loop(server.url, tmp_path / "runner", stop).run)
        thread.start()
        yield server
        stop.set()
        thread.join()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[str, str]:
    """URL of a repository with one commit, and the commit."""
    directory = tmp_path / "repository"

    def git(*argv: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
        done = subprocess.run(["git", *identity, *argv], cwd=directory, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    directory.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    (directory / "run.sh").write_text("#!/bin/sh\necho from the repository\n")
    (directory / "run.sh").chmod(0o755)
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    return directory.as_uri(), git("rev-parse", "HEAD")


def test_job_runs_its_commit(server: RunnerServer, repository: tuple[str, str]) -> None:
    """The scripts of a job run in a checkout of its commit, and after_script learns how it went."""
    url, sha = repository
    job = server.enqueue(
        payload(
            1,
            ["./run.sh", "git rev-parse HEAD"],
            after_script=['echo "it was a $CI_JOB_STATUS"'],
            repo_url=url,
            sha=sha,
        )
    )
    final, log = server.wait(job)
    assert final["state"] == "success"
    assert "from the repository\n" in log
    assert f"\n{sha}\n" in log
    assert "it was a success\n" in log
    assert final["output"]["bytesize"] == len(log.encode())


def test_failing_script_reports_its_exit_code(server: RunnerServer) -> None:
    """A script's exit code is the job's; after_script still runs, and its own failure changes nothing."""
    job = server.enqueue(payload(2, ["exit 7"], after_script=["echo after $CI_JOB_STATUS", "false"]))
    final, log = server.wait(job)
    assert (final["state"], final["failure_reason"], final["exit_code"]) == ("failed", "script_failure", 7)
    assert "after failed\n" in log
    assert "after_script failed with exit code 1, but the job goes on" in log


def test_secrets_do_not_show(server: RunnerServer) -> None:
    """Masked variables and the job's own token are replaced in the log, whoever prints them."""
    secret = {"key": "PASSWORD", "value": "correct-horse", "masked": True}
    job = server.enqueue(payload(3, ["echo correct-horse job-token-3 $PASSWORD"], variables=[secret]))
    _, log = server.wait(job)
    assert "\n[MASKED] [MASKED] [MASKED]\n" in log
    assert "horse" not in log


def test_artifacts_reach_a_later_job(server: RunnerServer) -> None:
    """What one job keeps, a dependent one finds; a dotenv report goes up beside it as gzip."""
    reports = {"artifact_type": "dotenv", "artifact_format": "gzip", "paths": ["*.env"], "when": "always"}
    first = server.enqueue(
        payload(
            4,
            ["mkdir -p out/deep", "echo kept > out/deep/file", "echo A=1 > build.env"],
            artifacts=[{**ARCHIVE, "paths": ["out/"]}, reports],
        )
    )
    server.wait(first)
    report = dict(server.uploads[first])["dotenv"]
    assert gzip.decompress(report) == b"A=1\n"
    needed = {"id": first, "name": "first", "token": "t-first", "artifacts_file": {"filename": "a.zip", "size": 1}}
    final, log = server.wait(server.enqueue(payload(5, ["cat out/deep/file"], dependencies=[needed])))
    assert final["state"] == "success"
    assert "\nkept\n" in log


def test_artifacts_that_are_gone_fail_the_job(server: RunnerServer) -> None:
    """A dependency whose archive the server no longer has fails the job before its script starts."""
    gone = {"id": 99, "name": "old", "token": "t-old", "artifacts_file": {"filename": "a.zip", "size": 1}}
    final, log = server.wait(server.enqueue(payload(6, ["echo started"], dependencies=[gone])))
    assert final["failure_reason"] == "runner_system_failure"
    assert "the artifacts of job old (99) are gone" in log
    assert "started" not in log


def test_cache_follows_its_policy(server: RunnerServer) -> None:
    """A cache pushed by one job is pulled by the next one of its key, and a pull-only job changes nothing."""

    def cache(policy: str) -> list[dict[str, object]]:
        return [{"key": "$CI_PROJECT_PATH/deps", "paths": ["deps/"], "policy": policy, "when": "on_success"}]

    grow = ["mkdir -p deps", "date +%N >> deps/times", "echo lines: $(cat deps/times | wc -l)"]
    expected = [("pull-push", 1), ("pull", 2), ("pull-push", 2), ("push", 1), ("pull", 2)]
    for number, (policy, lines) in enumerate(expected, start=10):
        _, log = server.wait(server.enqueue(payload(number, grow, cache=cache(policy))))
        assert f"\nlines: {lines}\n" in log, policy


def test_timeout_ends_the_script(server: RunnerServer) -> None:
    """A job that outlives its timeout is killed, children included, and reported as such."""
    final, log = server.wait(server.enqueue(payload(20, ["sleep 600 | cat"], timeout=1)))
    assert final["failure_reason"] == "job_execution_timeout"
    assert "execution took longer than 1 seconds" in log


def test_cancelled_job_stops(server: RunnerServer) -> None:
    """A job that the server cancels ends in the middle of its script."""
    job = server.enqueue(payload(21, ["echo working", "sleep 600"]))
    server.wait_for_output(job, "\nworking\n")
    server.canceled.add(job)
    final, log = server.wait(job)
    assert final["state"] == "failed"
    assert "the server ended the job (canceled)" in log


def test_unknown_part_of_a_job_fails_it(server: RunnerServer) -> None:
    """A payload that asks for something unknown fails with a sentence that names it."""
    final, log = server.wait(server.enqueue(payload(22, ["true"], hooks=[{"name": "pre_get_sources_script"}])))
    assert (final["state"], final["failure_reason"]) == ("failed", "runner_system_failure")
    assert "this runner does not support `hooks` of the job" in log


def test_two_jobs_run_side_by_side(server: RunnerServer) -> None:
    """Two jobs that wait for each other both finish, so they did run at the same time."""
    meet = "mkdir ../../../../meeting-{mine}; until [ -d ../../../../meeting-{other} ]; do sleep 0.05; done"
    first = server.enqueue(payload(30, [meet.format(mine="a", other="b")], timeout=60))
    second = server.enqueue(payload(31, [meet.format(mine="b", other="a")], timeout=60))
    assert server.wait(first)[0]["state"] == "success"
    assert server.wait(second)[0]["state"] == "success"


def test_stopped_runner_gives_its_jobs_back_as_failed(tmp_path: Path) -> None:
    """A runner that is told to stop reports its running job as failed by the system and leaves no files."""
    stop = threading.Event()
    with RunnerServer() as server:
        thread = threading.Thread(target=loop(server.url, tmp_path / "runner", stop).run)
        thread.start()
        job = server.enqueue(payload(40, ["echo working", "sleep 600"]))
        server.wait_for_output(job, "\nworking\n")
        stop.set()
        thread.join()
        assert server.finals[job]["failure_reason"] == "runner_system_failure"
    assert list((tmp_path / "runner" / "builds").glob("*")) == []


def test_unknown_token_is_said_at_once(tmp_path: Path) -> None:
    """A runner whose token the server does not know ends with an error instead of asking forever."""
    with RunnerServer() as server:
        made = loop(server.url, tmp_path / "runner", threading.Event(), token="glrt-wrong")
        with pytest.raises(CredentialsError, match="does not know this runner's token"):
            made.run()
