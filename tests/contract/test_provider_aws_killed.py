"""`sledge apply -p aws` as a process that is killed with no warning, at one write after another."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_rehearsal import KEYS, REGION, LocalAws, Rehearsal, rehearse, serve

from sledgehammer.polling import SystemClock, poll_until

KILLED_AT = ("CreateRepository", "PutLifecyclePolicy", "CreateLogGroup", "CreateRole", "PutRolePolicy", "CreateProject")


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    with serve() as made:
        yield made


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(cloud, tmp_path) as made:
        made.commit("sledge.yaml", f"version: 1\nname: {made.name}\naws: {{region: {REGION}, bucket: {made.bucket}}}\n")
        yield made


def sledge(aws: Rehearsal, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "AWS_ENDPOINT_URL": aws.url, **KEYS}
    door = "from sledgehammer.cli.main import entry_point; entry_point()"
    argv = [sys.executable, "-c", door, *arguments, "-p", "aws"]
    return subprocess.Popen(argv, cwd=aws.work, env=environment, stdout=subprocess.PIPE, text=True)


def test_killed_again_and_again_it_converges_with_nothing_made_twice(aws: Rehearsal) -> None:
    """The server does what it was told after the process has gone; the next apply finds it and does the rest."""
    for operation in KILLED_AT:
        aws.inject({"operation": operation, "fault": "delay", "calls": [1], "delay_s": 1.0})
        process = sledge(aws, "apply")
        poll_until(
            aws.injected,
            what=f"the call {operation}",
            is_final=lambda injected: injected != [],
            interval_s=0.02,
            deadline_s=60,
            clock=SystemClock(),
        )
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    aws.inject()
    last = sledge(aws, "apply")
    last.communicate()
    assert last.returncode == 0
    plan = sledge(aws, "plan")
    assert "nothing to do" in plan.communicate()[0]
    assert plan.returncode == 0
    repositories = [one["repositoryName"] for one in aws.client("ecr").describe_repositories()["repositories"]]
    assert repositories == [aws.name, f"{aws.name}-cache"]
    assert [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]] == [aws.role]
