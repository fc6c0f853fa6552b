"""The AWS provider against the local AWS: builds are started once, followed to the end, stopped."""

import pytest
from aws_rehearsal import Rehearsal

from sledgehammer.errors import ConflictError, NotFoundError, RemoteError
from sledgehammer.outcome import BuiltImage, FailureClass, Run, Status

DIGEST = f"sha256:{'a' * 64}"

REPORTING = f"""\
version: 0.2
phases:
  build:
    commands:
      - |
        echo "building $SLEDGE_COMMIT of $SLEDGE_BRANCH from $(ls)"
        echo "sledge: image web: 3 of 5 steps cached"
        echo "sledge: image web: pushed $SLEDGE_REGISTRY/web@{DIGEST}"
"""


def buildspec(*commands: str) -> str:
    lines = "".join(f"      - {command}\n" for command in commands)
    return f"version: 0.2\nphases:\n  build:\n    commands:\n{lines}"


def builds_of(aws: Rehearsal) -> list[str]:
    found = aws.client("codebuild").list_builds_for_project(projectName=aws.name)["ids"]
    assert isinstance(found, list)
    return found


def test_a_build_of_the_commit_is_followed_to_its_end(aws: Rehearsal) -> None:
    """Commit, branch and source reach the build; log, cached steps and digest come back."""
    aws.buildspec = REPORTING
    aws.apply()
    lines: list[str] = []
    connection = aws.connect()
    run = connection.trigger()
    outcome = connection.follow(run, on_log=lines.append)
    assert (outcome.status, outcome.failure, outcome.reason) == (Status.SUCCEEDED, FailureClass.NONE, "")
    assert run.commit == aws.git("rev-parse", "HEAD")
    assert f"building {run.commit} of main from Dockerfile" in lines
    (image,) = outcome.images
    registry = image.reference.removesuffix(f"/web@{DIGEST}")
    assert "/" not in registry
    assert image == BuiltImage(image="web", reference=f"{registry}/web@{DIGEST}", cached_steps=3, total_steps=5)


def test_every_line_of_the_log_is_handed_over_once_and_in_order(aws: Rehearsal) -> None:
    """More lines than one page or batch holds, none lost and none twice."""
    aws.buildspec = buildspec("seq -f 'line %g' 1 3000")
    aws.apply()
    lines: list[str] = []
    connection = aws.connect()
    connection.follow(connection.trigger(), on_log=lines.append)
    assert [line for line in lines if line.startswith("line ")] == [f"line {n}" for n in range(1, 3001)]


def test_a_failing_command_is_the_users_failure(aws: Rehearsal) -> None:
    """The outcome carries the phase and the exit status."""
    aws.buildspec = buildspec("echo trying", "exit 3")
    aws.apply()
    connection = aws.connect()
    outcome = connection.follow(connection.trigger(), on_log=lambda line: None)
    assert (outcome.status, outcome.failure) == (Status.FAILED, FailureClass.USER)
    assert outcome.reason.startswith("BUILD COMMAND_EXECUTION_ERROR")
    assert "3" in outcome.reason


def test_a_canceled_build_ends_as_canceled(aws: Rehearsal) -> None:
    """Stopping a running build stops it; stopping it again changes nothing."""
    aws.buildspec = buildspec("sleep 600")
    aws.apply()
    connection = aws.connect()
    run = connection.trigger()
    connection.cancel(run)
    outcome = connection.follow(run, on_log=lambda line: None)
    assert (outcome.status, outcome.failure) == (Status.CANCELED, FailureClass.NONE)
    aws.sent.clear()
    connection.cancel(run)
    assert aws.writes == []


@pytest.mark.parametrize("fault", ["throttle", "error_before", "error_after", "reset_before", "reset_after"])
def test_a_lost_answer_starts_no_second_build(aws: Rehearsal, fault: str) -> None:
    """Whatever happens to the first StartBuild, there is one build in the end."""
    aws.apply()
    aws.inject({"operation": "StartBuild", "fault": fault, "calls": [1]})
    connection = aws.connect()
    run = connection.trigger()
    assert aws.injected() == ["StartBuild"]
    assert builds_of(aws) == [run.id]
    connection.cancel(run)


def test_following_survives_failing_reads(aws: Rehearsal) -> None:
    """Status and log are read on through throttles and errors, and no line is lost."""
    aws.buildspec = buildspec("seq -f 'line %g' 1 50")
    aws.apply()
    connection = aws.connect()
    run = connection.trigger()
    aws.inject(
        {"operation": "BatchGetBuilds", "fault": "throttle", "every": 2},
        {"operation": "GetLogEvents", "fault": "error_before", "every": 2},
    )
    lines: list[str] = []
    assert connection.follow(run, on_log=lines.append).status is Status.SUCCEEDED
    assert [line for line in lines if line.startswith("line ")] == [f"line {n}" for n in range(1, 51)]
    assert set(aws.injected()) == {"BatchGetBuilds", "GetLogEvents"}


def test_a_commit_that_was_not_applied_is_not_built(aws: Rehearsal) -> None:
    """The archive in S3 is of another commit: nothing is started, and the command to run is named."""
    aws.apply()
    aws.commit("main.py")
    with pytest.raises(ConflictError, match="sledge apply -p aws"):
        aws.connect().trigger()
    assert builds_of(aws) == []


def test_an_unknown_run_is_not_found(aws: Rehearsal) -> None:
    """A build id that CodeBuild does not know is told as such."""
    run = Run(provider="aws", id=f"{aws.name}:00000000-0000-0000-0000-000000000000", url="", commit="")
    with pytest.raises(NotFoundError, match="knows no build"):
        aws.connect().follow(run, on_log=lambda line: None)


def test_a_full_queue_is_waited_for_and_then_told(aws: Rehearsal) -> None:
    """When as many builds wait as the account allows, the error says so; nothing is started later on."""
    aws.buildspec = buildspec("sleep 600")
    aws.apply()
    codebuild, waiting = aws.client("codebuild"), list[str]()
    with pytest.raises(codebuild.exceptions.AccountLimitExceededException):  # noqa: PT012 - fill until it is full
        while len(waiting) < 100:
            waiting.append(codebuild.start_build(projectName=aws.name)["build"]["id"])
    with pytest.raises(RemoteError, match="build queue is full"):
        aws.connect().trigger()
    assert len(aws.clock.slept) > 1
    assert set(builds_of(aws)) == set(waiting)
    for build_id in waiting:
        codebuild.stop_build(id=build_id)
