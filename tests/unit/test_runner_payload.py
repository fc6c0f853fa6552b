"""Payloads: what is read, and that nothing unknown is skipped."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.job_setup import job_variables
from sledgehammer_localstack.runner.payload import Service, Variable
from sledgehammer_localstack.runner.payload_parsing import parse_job
from sledgehammer_localstack.runner.services import ports_to_dial, service_names
from sledgehammer_localstack.runner.settings import RunnerSettings
from sledgehammer_localstack.runner.sources import plan_sources
from sledgehammer_localstack.runner.variables import JobVariables

PAYLOAD: dict[str, Any] = {
    "id": 7,
    "token": "glcbt-64_secret",
    "allow_git_fetch": True,
    "job_info": {"id": 7, "name": "build", "stage": "build", "project_id": 3, "project_name": "app"},
    "git_info": {
        "repo_url": "http://gitlab-ci-token:glcbt-64_secret@10.0.0.1:8080/g/app.git",
        "ref": "main",
        "sha": "a" * 40,
        "before_sha": "0" * 40,
        "ref_type": "branch",
        "refspecs": ["+refs/heads/main:refs/remotes/origin/main"],
        "depth": 20,
    },
    "runner_info": {"timeout": 3600, "runner_session_url": None},
    "variables": [{"key": "CI", "value": "true", "public": True, "masked": False}],
    "steps": [{"name": "script", "script": ["make"], "timeout": 3600, "when": "on_success", "allow_failure": False}],
    "image": {"name": "alpine", "entrypoint": None},
    "services": [{"name": "docker:26.1-dind", "alias": None, "entrypoint": None, "command": None}],
    "artifacts": None,
    "cache": [],
    "credentials": [{"type": "registry", "url": "r:5000", "username": "u", "password": "p"}],
    "dependencies": [],
    "features": {"trace_sections": True, "token_mask_prefixes": ["glpat-"], "failure_reasons": []},
}


def changed(*path: str | int, value: Any) -> dict[str, Any]:
    payload = deepcopy(PAYLOAD)
    target: Any = payload
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    return payload


def test_payload_becomes_a_job_without_secrets_in_plain_sight() -> None:
    """What the server sends is read, and the job's token shows nowhere in the record."""
    job = parse_job(PAYLOAD)
    assert (job.name, job.timeout_s, job.git.depth) == ("build", 3600, 20)
    assert job.git.repo_url == "http://10.0.0.1:8080/g/app.git"
    assert job.token.reveal() == "glcbt-64_secret"
    assert "glcbt" not in repr(job)


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (changed("run", value=[{"name": "step"}]), "`run` of the job"),
        (changed("hooks", value=[{"name": "pre_get_sources_script"}]), "`hooks` of the job"),
        (changed("secrets", value={"A": {"vault": {}}}), "`secrets` of the job"),
        (changed("steps", 0, "name", value="release"), "`release` as the name of a step"),
        (changed("image", "executor_opts", value={"docker": {"platform": "arm64"}}), "`executor_opts`"),
        (changed("services", 0, "executor_opts", value={"docker": {"user": "x"}}), "`executor_opts`"),
        (changed("image", "pull_policy", value=["sometimes"]), "`sometimes` as pull policy"),
        (changed("artifacts", value=[{"artifact_format": "tar", "paths": ["x"]}]), "`tar`"),
        (changed("git_info", "repo_object_format", value="sha512"), "`sha512`"),
    ],
)
def test_what_is_not_known_fails_the_job_by_name(payload: dict[str, Any], named: str) -> None:
    """A part of a job that the runner has not implemented is an error that names it."""
    with pytest.raises(JobFailedError, match="does not support") as caught:
        parse_job(payload)
    assert named in caught.value.message
    assert caught.value.reason is FailureReason.UNSUPPORTED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_STRATEGY", "sparse"),
        ("GIT_SUBMODULE_STRATEGY", "recursive"),
        ("GIT_CLONE_PATH", "/x"),
        ("GIT_DEPTH", "all"),
    ],
)
def test_git_setting_that_is_not_known_is_named(name: str, value: str) -> None:
    """A git variable that would change the working copy is honoured or refused, never ignored."""
    variables = JobVariables([Variable(key=name, value=value)], file_dir="/tmp")
    with pytest.raises(JobFailedError, match=name):
        plan_sources(parse_job(PAYLOAD).git, variables)


def test_variable_that_asks_for_more_than_there_is_is_named(tmp_path: Path) -> None:
    """A variable by which GitLab's runner is steered is honoured or refused, never ignored."""
    asked = {"key": "RUNNER_SCRIPT_TIMEOUT", "value": "10m"}
    job = parse_job(changed("variables", value=[asked]))
    settings = RunnerSettings(url="http://x", token=Secret("t"), work_dir=tmp_path)
    with pytest.raises(JobFailedError, match="RUNNER_SCRIPT_TIMEOUT"):
        job_variables(job, settings, slot=0)


def test_git_depth_of_the_variables_wins() -> None:
    """GIT_DEPTH overrides what the server proposes; 0 fetches everything."""
    variables = JobVariables([Variable(key="GIT_DEPTH", value="0")], file_dir="/tmp")
    assert plan_sources(parse_job(PAYLOAD).git, variables).depth == 0


@pytest.mark.parametrize(
    ("service", "names"),
    [
        (Service(name="docker:26.1-dind"), ("docker",)),
        (Service(name="docker:dind", alias="engine"), ("docker", "engine")),
        (Service(name="tutum/wordpress:latest"), ("tutum__wordpress", "tutum-wordpress")),
        (
            Service(name="registry.example.com:4999/g/pg:15", alias="db, pg"),
            ("registry.example.com__g__pg", "registry.example.com-g-pg", "db", "pg"),
        ),
        (Service(name="host:5000/redis@sha256:abc"), ("host__redis", "host-redis")),
    ],
)
def test_service_answers_to_gitlabs_names(service: Service, names: tuple[str, ...]) -> None:
    """A service has the host names that GitLab's documentation promises."""
    assert service_names(service) == names


def test_health_check_port_replaces_the_exposed_ones() -> None:
    """With HEALTHCHECK_TCP_PORT only that port counts, else any exposed port does."""
    assert ports_to_dial((2375, 2376), {"HEALTHCHECK_TCP_PORT": "2376"}) == (2376,)
    assert ports_to_dial((2375, 2376), {}) == (2375, 2376)
