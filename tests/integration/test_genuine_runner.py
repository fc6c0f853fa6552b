"""A genuine GitLab Runner at the local GitLab, with the shell and the docker executor.

The binary is taken from SLEDGEHAMMER_GITLAB_RUNNER or the PATH (any release since 13.2, which reports checksums of
logs); without one these tests are skipped.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gitlab.v4.objects import Project
from gitlab_local import RUNNER, LocalGitLab, fresh_gitlab

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack.config import StackConfig

BINARY = os.environ.get("SLEDGEHAMMER_GITLAB_RUNNER") or shutil.which("gitlab-runner")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(BINARY is None, reason="no gitlab-runner on the PATH nor in SLEDGEHAMMER_GITLAB_RUNNER"),
]
FINAL = {"success", "failed", "canceled", "skipped"}
HELPER_IMAGE = "sledgehammer/genuine-runner-helper"
SHELL = 'executor = "shell"\nshell = "bash"\n'
TWO_STAGES = """
stages: [build, test]
variables:
  GREETING: hello from $CI_PROJECT_PATH
build:
  stage: build
  before_script: [cat README.md]
  script:
    - echo "the word is $SECRET_WORD, $GREETING"
    - mkdir -p out keep
    - echo made > out/a.txt
    - echo PASSED_ON=yes > passed.env
    - echo kept > keep/b.txt
  after_script: [echo "ended with $CI_JOB_STATUS"]
  artifacts: {paths: [out/], reports: {dotenv: passed.env}}
  cache: {key: kept, paths: [keep/]}
test:
  stage: test
  script: [cat out/a.txt keep/b.txt, echo "passed on $PASSED_ON"]
  cache: {key: kept, paths: [keep/], policy: pull}
tolerated:
  stage: test
  variables: {GIT_STRATEGY: none}
  script: [exit 3]
  allow_failure: {exit_codes: 3}
"""
DIND = """
build:
  image: docker:%(version)s-cli
  services:
    - name: docker:%(version)s-dind
      alias: docker
      variables: {HEALTHCHECK_TCP_PORT: "2376"}
  variables:
    DOCKER_TLS_CERTDIR: /certs
    DOCKER_HOST: tcp://docker:2376
    DOCKER_TLS_VERIFY: "1"
    DOCKER_CERT_PATH: /certs/client
  script:
    - for attempt in $(seq 60); do docker version > /dev/null 2>&1 && break; sleep 1; done
    - docker version --format 'inner engine {{.Server.Version}}' | tee version.txt
  artifacts: {paths: [version.txt]}
  cache: {key: kept, paths: [version.txt]}
test:
  stage: deploy
  image: docker:%(version)s-cli
  script: [cat version.txt]
"""


@contextmanager
def genuine_runner(local: LocalGitLab, executor: str, work_dir: Path) -> Iterator[None]:
    """A `gitlab-runner run` for this server while the block runs; `executor` is TOML of the section [[runners]]."""
    config = work_dir / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        f'concurrent = 2\ncheck_interval = 1\n[[runners]]\nname = "genuine"\nurl = "{local.url}"\ntoken = "{RUNNER}"\n'
        f'builds_dir = "{work_dir}/builds"\ncache_dir = "{work_dir}/cache"\n{executor}'
    )
    with (work_dir / "runner.log").open("wb") as log:
        process = subprocess.Popen(
            (str(BINARY), "run", "--config", str(config), "--working-directory", str(work_dir)), stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def project_with(local: LocalGitLab, ci_text: str) -> Project:
    """A private project with a masked variable, whose first commit starts a pipeline."""
    project: Project = local.client().projects.create({"name": "app", "visibility": "private"})
    project.variables.create({"key": "SECRET_WORD", "value": "hunter2hunter2", "masked": True})
    files = {".gitlab-ci.yml": ci_text, "README.md": "from the repository\n"}
    actions = [{"action": "create", "file_path": path, "content": content} for path, content in files.items()]
    project.commits.create({"branch": "main", "commit_message": "CI", "actions": actions})
    return project


def wait_for_status(project: Project, statuses: set[str]) -> str:
    """The status of the only pipeline, once it is one of these."""

    def fetch() -> str:
        return str(project.pipelines.list(get_all=True)[0].status)

    return poll_until(
        fetch, what="the pipeline", is_final=statuses.__contains__, interval_s=0.5, deadline_s=300, clock=SystemClock()
    )


def job_logs(project: Project) -> dict[str, str]:
    """The log of each job by its name."""
    found = project.jobs.list(get_all=True)
    return {job.name: project.jobs.get(job.id).trace().decode() for job in found}


@pytest.fixture
def local(tmp_path: Path, stack: StackConfig) -> Iterator[LocalGitLab]:
    """A GitLab that containers of the stack's engine reach."""
    with fresh_gitlab(tmp_path, host=stack.gateway) as server:
        yield server


@pytest.fixture
def docker_executor(tmp_path: Path, stack: StackConfig) -> str:
    """Settings of the docker executor, with a helper image made of the runner's own binary: it knows the helper's
    commands, and the docker image has git."""
    context = tmp_path / "helper"
    context.mkdir()
    shutil.copy(str(BINARY), context / "gitlab-runner-helper")
    (context / "gitlab-runner-build").write_text("#!/bin/sh\numask 0000\nexec /bin/bash\n")
    (context / "gitlab-runner-build").chmod(0o755)
    (context / "Dockerfile").write_text(
        f"FROM docker:{stack.docker_version}-cli\nCOPY gitlab-runner-helper gitlab-runner-build /usr/bin/\n"
        'ENTRYPOINT []\nCMD ["sh"]\n'
    )
    subprocess.run(("docker", "build", "--quiet", "--tag", HELPER_IMAGE, str(context)), check=True, capture_output=True)
    return (
        'executor = "docker"\n[runners.docker]\n'
        f'host = "{stack.docker_host}"\nimage = "docker:{stack.docker_version}-cli"\nhelper_image = "{HELPER_IMAGE}"\n'
        'privileged = true\npull_policy = ["if-not-present"]\nvolumes = ["/certs/client", "/cache"]\n'
    )


def test_the_shell_executor_runs_a_pipeline(local: LocalGitLab, tmp_path: Path) -> None:
    """Sources by job token, masking, artifacts, dotenv, cache, after_script and tolerated exit codes all work with
    the genuine runner."""
    project = project_with(local, TWO_STAGES)
    with genuine_runner(local, SHELL, tmp_path):
        status = wait_for_status(project, FINAL)
    logs = job_logs(project)
    assert status == "success", logs
    assert "from the repository" in logs["build"]
    assert "the word is [MASKED], hello from root/app" in logs["build"]
    assert "ended with success" in logs["build"]
    assert all(line in logs["test"] for line in ("made", "kept", "passed on yes"))
    assert "hunter2hunter2" not in "".join(logs.values())
    tolerated = next(job for job in project.jobs.list(get_all=True) if job.name == "tolerated")
    assert (tolerated.status, tolerated.allow_failure) == ("failed", True)


def test_the_docker_executor_runs_docker_in_docker(
    local: LocalGitLab, stack: StackConfig, tmp_path: Path, docker_executor: str
) -> None:
    """A privileged dind service over TLS is reached, and its artifact travels to the next job."""
    project = project_with(local, DIND % {"version": stack.docker_version})
    with genuine_runner(local, docker_executor, tmp_path):
        status = wait_for_status(project, FINAL)
    logs = job_logs(project)
    assert status == "success", logs
    assert f"inner engine {stack.docker_version}" in logs["build"]
    assert f"inner engine {stack.docker_version}" in logs["test"]


def test_a_cancelled_pipeline_stops_the_genuine_runner(local: LocalGitLab, tmp_path: Path) -> None:
    """A cancel reaches the runner, which ends the script and is ready for the next job."""
    project = project_with(local, "build: {script: [touch started, sleep 600], variables: {GIT_STRATEGY: none}}")
    with genuine_runner(local, SHELL, tmp_path):
        wait_for_status(project, {"running"})
        project.pipelines.list(get_all=True)[0].cancel()
        assert wait_for_status(project, FINAL) == "canceled"
        action = {"action": "update", "file_path": ".gitlab-ci.yml", "content": "next: {script: [echo next]}"}
        project.commits.create({"branch": "main", "commit_message": "Next", "actions": [action]})
        assert wait_for_status(project, FINAL) == "success"
    assert "canceled" in (tmp_path / "runner.log").read_text()
