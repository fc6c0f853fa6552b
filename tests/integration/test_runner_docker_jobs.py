"""Jobs of the docker executor on a real engine, docker-in-docker over TLS included."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runner_server import TOKEN, RunnerServer, payload

from sledgehammer.polling import SystemClock
from sledgehammer.process import LocalProcessRunner
from sledgehammer.secret import Secret
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.runner.api import RunnerApi
from sledgehammer_localstack.runner.docker_executor import RUNNER_LABEL
from sledgehammer_localstack.runner.loop import RunnerLoop
from sledgehammer_localstack.runner.settings import RunnerSettings, settings_from_stack

pytestmark = pytest.mark.engine

TLS = {"key": "DOCKER_TLS_CERTDIR", "value": "/certs", "public": True}
ARCHIVE = {"artifact_type": "archive", "artifact_format": "zip", "when": "on_success"}


@pytest.fixture
def engine(stack: StackConfig) -> ContainerEngine:
    """The stack's engine."""
    return ContainerEngine(stack.docker_host)


@pytest.fixture
def cli(stack: StackConfig) -> dict[str, str]:
    """The image of a job that calls docker."""
    return {"name": f"docker:{stack.docker_version}-cli"}


@pytest.fixture
def dind(stack: StackConfig) -> dict[str, Any]:
    """The service that such a job names."""
    port = {"key": "HEALTHCHECK_TCP_PORT", "value": "2376"}
    return {"name": f"docker:{stack.docker_version}-dind", "variables": [port]}


def settings(url: str, work_dir: Path, stack: StackConfig) -> RunnerSettings:
    """The stack's runner, pointed at a test's own server."""
    return replace(
        settings_from_stack(stack.state_dir),
        url=url,
        token=Secret(TOKEN),
        work_dir=work_dir,
        check_interval_s=0.1,
        log_interval_s=0.1,
    )


class Running:
    """A runner at work for a server."""

    def __init__(self, server: RunnerServer, made: RunnerSettings) -> None:
        self.server, self.settings = server, made
        self.stop = threading.Event()
        api = RunnerApi(made.url, made.token, executor="docker", name="test", clock=SystemClock())
        loop = RunnerLoop(made, api, runner=LocalProcessRunner(), clock=SystemClock(), stop=self.stop)
        self.thread = threading.Thread(target=loop.run)
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join()


@pytest.fixture
def runner(tmp_path: Path, engine: ContainerEngine, stack: StackConfig) -> Iterator[Running]:
    """A server with a docker runner at work; afterwards nothing of the runner is left on the engine."""
    with RunnerServer() as server:
        running = Running(server, settings(server.url, tmp_path, stack))
        yield running
        running.end()
    assert left_behind(engine, running.settings) == ()


def left_behind(engine: ContainerEngine, made: RunnerSettings) -> tuple[str, ...]:
    label = f"{RUNNER_LABEL}={made.identity}"
    return (
        *engine.list_containers(label=label),
        *engine.list_networks(label=label),
        *engine.list_volumes(label=label),
    )


def run(runner: Running, job: dict[str, Any]) -> tuple[dict[str, Any], str]:
    final, log = runner.server.wait(runner.server.enqueue(job))
    return dict(final), log


def test_docker_in_docker_over_tls_builds_an_image(runner: Running, cli: dict[str, str], dind: dict[str, Any]) -> None:
    """A job with a dind service reaches it over TLS under its name and builds an image there."""
    script = [
        "docker version --format 'server {{.Server.Version}}'",
        "docker info --format '{{.Driver}} {{.DriverStatus}}'",
        "printf 'FROM scratch\\nCOPY greeting /\\n' > Dockerfile; echo hello > greeting",
        "docker build --tag hello .",
        "docker image inspect hello --format '{{.Os}} image'",
        'echo "by $DOCKER_HOST"',
    ]
    job = payload(1, script, image=cli, services=[dind], variables=[TLS])
    final, log = run(runner, job)
    assert final["state"] == "success", log
    assert "\nlinux image\n" in log
    assert "\nby tcp://docker:2376\n" in log
    assert "io.containerd.snapshotter.v1" in log  # the stack's dind-daemon.json is in force
    assert "WARNING" not in log


def test_registries_are_reached_without_an_engine(runner: Running, cli: dict[str, str], stack: StackConfig) -> None:
    """Buildx asks no engine for `imagetools`: it finds plain-HTTP registries and Docker Hub's mirror all the same."""
    if not stack.mirror_address:
        pytest.skip("Docker Hub is reachable: there is no mirror to ask")
    own = stack.mirror_address
    script = [
        f"docker buildx imagetools create --tag {own}/runner-jobs/copy:1 debian:trixie-slim",
        f"docker buildx imagetools inspect {own}/runner-jobs/copy:1 --format 'found {{{{.Name}}}}'",
        "docker buildx imagetools inspect debian:trixie-slim --format 'found {{.Name}}'",
    ]
    final, log = run(runner, payload(14, script, image=cli))
    assert final["state"] == "success", log
    assert f"\nfound {own}/runner-jobs/copy:1" in log
    assert "\nfound debian:trixie-slim" in log


def test_builds_stay_on_the_jobs_engine(runner: Running, cli: dict[str, str], dind: dict[str, Any]) -> None:
    """What buildx is told of registries does not change where `docker buildx build` builds."""
    script = [
        "printf 'FROM scratch\\nLABEL a=b\\n' | docker buildx build --tag mine -",
        "docker images --format '{{.Repository}} here'",
        "docker ps --all --quiet | wc -l",
    ]
    final, log = run(runner, payload(15, script, image=cli, services=[dind], variables=[TLS]))
    assert final["state"] == "success", log
    assert "\nmine here\n" in log
    assert "\n0\n" in log  # no BuildKit in a container of its own


def test_two_jobs_each_have_their_own_docker(runner: Running, cli: dict[str, str], dind: dict[str, Any]) -> None:
    """Two jobs at a time that both call their service `docker` do not see each other's images."""

    def job(number: int) -> dict[str, Any]:
        script = [
            f"printf 'FROM scratch\\nLABEL job={number}\\n' | docker build --quiet --tag mine-{number} - >/dev/null",
            "docker images --format '{{.Repository}}'",
        ]
        return payload(number, script, image=cli, services=[dind], variables=[TLS])

    numbers = (2, 3)
    for number in numbers:
        runner.server.enqueue(job(number))
    for number, other in zip(numbers, reversed(numbers), strict=True):
        final, log = runner.server.wait(number)
        assert final["state"] == "success", log
        assert f"\nmine-{number}\n" in log
        assert f"mine-{other}" not in log


def test_failure_after_script_and_artifacts(runner: Running) -> None:
    """The exit code is reported, after_script finds the files, artifacts of a failed job are kept when asked for,
    and reach the next job with hard links, modes and links."""
    script = [
        "mkdir -p out/deep && echo text > out/deep/file && ln out/deep/file out/again",
        "ln -s deep/file out/link && printf '#!/bin/sh\\necho ran\\n' > out/run.sh && chmod +x out/run.sh",
        "exit 42",
    ]
    artifacts = [{**ARCHIVE, "paths": ["out/"], "when": "always"}]
    after = ["cat out/deep/file; echo it $CI_JOB_STATUS"]
    final, log = run(runner, payload(4, script, after_script=after, artifacts=artifacts))
    assert (final["state"], final["failure_reason"], final["exit_code"]) == ("failed", "script_failure", 42)
    assert "\ntext\nit failed\n" in log
    needed = {"id": 4, "name": "first", "token": "t-first", "artifacts_file": {"filename": "a.zip", "size": 1}}
    final, log = run(runner, payload(5, ["cat out/again out/link", "./out/run.sh"], dependencies=[needed]))
    assert final["state"] == "success", log
    assert "\ntext\ntext\n" in log
    assert "\nran\n" in log


def test_sources_are_there_for_any_user(runner: Running, tmp_path: Path) -> None:
    """The job's commit is checked out in /builds, and an image's ordinary user may write there."""
    directory = tmp_path / "repository"
    directory.mkdir()
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    for argv in (["init", "-qb", "main"], ["add", "."], ["commit", "-qm", "first"]):
        (directory / "file").write_text("tracked\n")
        subprocess.run(["git", *identity, *argv], cwd=directory, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=directory, check=True, capture_output=True, text=True)
    script = [
        "pwd; cat file; git -c safe.directory='*' log --format=%s",
        "setpriv --reuid=1000 --clear-groups sh -c 'echo more > new; echo changed > file; cat file'",
    ]
    final, log = run(runner, payload(6, script, repo_url=directory.as_uri(), sha=head.stdout.strip()))
    assert final["state"] == "success", log
    assert "\n/builds/group/app\ntracked\nfirst\n" in log
    assert "\nchanged\n" in log


def test_variables_reach_the_containers_whole(runner: Running) -> None:
    """Values with quotes and line breaks arrive unchanged, file variables as files, and masked ones never show."""
    variables: list[dict[str, Any]] = [
        {"key": "HARD", "value": "a 'b' \"c\" \\ #d=e\n second"},
        {"key": "KEYFILE", "value": "line 1\nline 2\n", "file": True},
        {"key": "SECRET", "value": "correct-horse", "masked": True},
    ]
    script = ['printf "%s" "$HARD" | od -c | head -3; printf "<%s>\\n" "$HARD"', "cat $KEYFILE; echo $SECRET"]
    final, log = run(runner, payload(7, script, variables=variables))
    assert final["state"] == "success", log
    assert "<a 'b' \"c\" \\ #d=e\n second>" in log
    assert "\nline 1\nline 2\n[MASKED]\n" in log


def test_timeout_and_cancel_end_the_containers(runner: Running, dind: dict[str, Any]) -> None:
    """A job past its timeout and a cancelled one end at once, with their containers."""
    final, log = run(runner, payload(8, ["sleep 600"], timeout=4))
    assert final["failure_reason"] == "job_execution_timeout"
    assert "execution took longer than 4 seconds" in log

    job = runner.server.enqueue(payload(9, ["echo working", "sleep 600"], services=[dind], variables=[TLS]))
    runner.server.wait_for_output(job, "\nworking\n")
    runner.server.canceled.add(job)
    final, log = dict(runner.server.wait(job)[0]), runner.server.wait(job)[1]
    assert "the server ended the job (canceled)" in log


def test_service_that_never_answers_is_a_warning(runner: Running, dind: dict[str, Any]) -> None:
    """A service that dies is told with its log, and the job goes on, as with GitLab's runner."""
    broken = {"name": dind["name"], "alias": "db", "entrypoint": ["sh", "-c", "echo no disk >&2; exit 3"]}
    final, log = run(runner, payload(10, ["echo went on"], services=[broken]))
    assert final["state"] == "success"
    assert "probably did not start properly: its container ended with exit code 3" in log
    assert "\nno disk\n" in log


def test_missing_image_is_said(runner: Running) -> None:
    """An image that is neither there nor to be had fails the job with its name."""
    image = {"name": "no-such-image:1", "pull_policy": ["never"]}
    final, log = run(runner, payload(11, ["true"], image=image))
    assert final["failure_reason"] == "runner_system_failure"
    assert "image no-such-image:1 cannot be had with pull policy never: it is not on the engine" in log


def test_runner_removes_what_an_earlier_life_left(
    tmp_path: Path, engine: ContainerEngine, stack: StackConfig, cli: dict[str, str]
) -> None:
    """Containers of a runner that was killed are gone once it runs again."""
    with RunnerServer() as server:
        made = settings(server.url, tmp_path, stack)
        label = {RUNNER_LABEL: made.identity}
        name = f"sledge-{made.identity}-orphan"
        engine.create_network(name, labels=label, is_internal=True)
        engine.create(ContainerSpec(image=cli["name"], name=name, labels=label, network=name, command=("sleep", "600")))
        engine.start(name)
        running = Running(server, made)
        run(running, payload(12, ["true"]))
        assert left_behind(engine, made) == ()
        running.end()


def test_stopped_runner_leaves_nothing(
    tmp_path: Path, engine: ContainerEngine, stack: StackConfig, dind: dict[str, Any]
) -> None:
    """A runner that is told to stop in the middle of a job ends its containers and reports the job as failed."""
    with RunnerServer() as server:
        made = settings(server.url, tmp_path, stack)
        running = Running(server, made)
        job = server.enqueue(payload(13, ["echo working", "sleep 600"], services=[dind], variables=[TLS]))
        server.wait_for_output(job, "\nworking\n")
        running.end()
        assert server.finals[job]["failure_reason"] == "runner_system_failure"
        assert left_behind(engine, made) == ()
