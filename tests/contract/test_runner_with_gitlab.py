"""The runner and the local GitLab together: from a commit to a finished pipeline, every exchange checked."""

import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab.v4.objects import Project
from gitlab_local import RUNNER, LocalGitLab, checkout_of, fresh_gitlab
from gitlab_openapi import checked_session

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.process import LocalProcessRunner
from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.api import RunnerApi
from sledgehammer_localstack.runner.loop import RunnerLoop
from sledgehammer_localstack.runner.settings import RunnerSettings

FINAL = {"success", "failed", "canceled", "skipped"}


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalGitLab]:
    """A server with a shell runner at work."""
    with fresh_gitlab(tmp_path) as server:
        settings = RunnerSettings(
            url=server.url,
            token=Secret(RUNNER),
            work_dir=tmp_path / "runner",
            check_interval_s=0.05,
            log_interval_s=0.05,
        )
        clock, stop = SystemClock(), threading.Event()
        api = RunnerApi(
            server.url, settings.token, executor="shell", name="test", clock=clock, session=checked_session()
        )
        loop = RunnerLoop(settings, api, runner=LocalProcessRunner(), clock=clock, stop=stop)
        thread = threading.Thread(target=loop.run, daemon=True)
        thread.start()
        yield server
        stop.set()
        thread.join()


def commit(local: LocalGitLab, ci_text: str) -> Project:
    """A private project whose first commit is the CI file."""
    project: Project = local.client().projects.create({"name": "app", "visibility": "private"})
    action = {"action": "create", "file_path": ".gitlab-ci.yml", "content": ci_text}
    project.commits.create({"branch": "main", "commit_message": "CI", "actions": [action]})
    return project


def wait_for(project: Project, *names: str, statuses: set[str]) -> dict[str, str]:
    """Statuses by job once the named jobs have one of these."""

    def fetch() -> dict[str, str]:
        return {job.name: job.status for job in project.jobs.list(get_all=True)}

    def is_final(found: dict[str, str]) -> bool:
        return all(found.get(name) in statuses for name in names)

    return poll_until(fetch, what="the jobs", is_final=is_final, interval_s=0.1, deadline_s=30, clock=SystemClock())


def log_of(project: Project, name: str) -> str:
    job = next(job for job in project.jobs.list(get_all=True) if job.name == name)
    return project.jobs.get(job.id).trace().decode()


def test_pipeline_passes_files_and_variables_from_stage_to_stage(local: LocalGitLab) -> None:
    """A private repository is fetched with the job's token; artifacts and dotenv variables reach the next stage;
    a failed job keeps its exit code and its log."""
    project = commit(
        local,
        """
stages: [build, test]
build:
  stage: build
  script:
    - git log --format='commit %s'
    - mkdir out && echo built > out/app
    - echo "VERSION=1.2" > build.env
    - echo "token $CI_JOB_TOKEN"
  artifacts:
    paths: [out/]
    reports: {dotenv: build.env}
test:
  stage: test
  script: [cat out/app, 'echo "version $VERSION"']
broken:
  stage: test
  script: [exit 9]
  after_script: ['echo "after $CI_JOB_STATUS"']
""",
    )
    found = wait_for(project, "test", "broken", statuses=FINAL)
    assert found == {"build": "success", "test": "success", "broken": "failed"}
    build = log_of(project, "build")
    assert "\ncommit CI\n" in build
    assert "\ntoken [MASKED]\n" in build
    assert "\nbuilt\n" in log_of(project, "test")
    assert "\nversion 1.2\n" in log_of(project, "test")
    broken = log_of(project, "broken")
    assert "\nafter failed\n" in broken
    assert "ERROR: Job failed: exit code 9" in broken
    job = next(job for job in project.jobs.list(get_all=True) if job.name == "build")
    archive = project.jobs.get(job.id).artifacts()
    assert zipfile.ZipFile(io.BytesIO(archive)).read("out/app") == b"built\n"


def test_cancelled_pipeline_stops_its_job(local: LocalGitLab) -> None:
    """Cancelling on the server ends the script, and the next pipeline finds the runner free."""
    project = commit(local, "sleeper:\n  script: [echo started, sleep 600]\n")
    wait_for(project, "sleeper", statuses={"running"})
    (pipeline,) = project.pipelines.list(get_all=True)
    pipeline.cancel()
    assert wait_for(project, "sleeper", statuses=FINAL) == {"sleeper": "canceled"}


def test_unknown_git_strategy_fails_the_job_by_name(local: LocalGitLab) -> None:
    """What the runner does not implement is an error in the job's log that names it."""
    project = commit(local, "job:\n  variables: {GIT_STRATEGY: sparse}\n  script: ['true']\n")
    assert wait_for(project, "job", statuses=FINAL) == {"job": "failed"}
    assert "this runner does not support GIT_STRATEGY `sparse`" in log_of(project, "job")


def test_submodule_is_fetched_with_the_jobs_token(local: LocalGitLab, tmp_path: Path) -> None:
    """With GIT_SUBMODULE_STRATEGY normal a submodule of a private repository is there (here the project itself, at
    an earlier commit: the token opens no other)."""
    project: Project = local.client().projects.create({"name": "app", "visibility": "private"})
    work = checkout_of(project, tmp_path / "app")
    earlier = work.commit({"lib.txt": "from the library\n"})
    (work.path / ".gitmodules").write_text('[submodule "lib"]\n\tpath = lib\n\turl = ../app.git\n')
    ci_text = "job:\n  variables: {GIT_SUBMODULE_STRATEGY: normal}\n  script: [cat lib/lib.txt]\n"
    (work.path / ".gitlab-ci.yml").write_text(ci_text)
    work.git("add", "--all")
    work.git("update-index", "--add", "--cacheinfo", f"160000,{earlier},lib")
    assert work.git("commit", "--quiet", "--message", "with a submodule").returncode == 0
    assert work.push().returncode == 0
    assert wait_for(project, "job", statuses=FINAL) == {"job": "success"}, log_of(project, "job")
    assert "\nfrom the library\n" in log_of(project, "job")
