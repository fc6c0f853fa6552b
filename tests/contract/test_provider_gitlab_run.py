from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gitlab_rehearsal import FakeRunner, Recorder, Rehearsal, rehearse

from sledgehammer.errors import ConflictError, TimedOutError
from sledgehammer.outcome import BuiltImage, FailureClass, Outcome, Status

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path) as made:
        made.apply()
        yield made


def follow(here: Rehearsal) -> tuple[Outcome, list[str]]:
    connection, lines = here.connect(), list[str]()
    return connection.follow(connection.trigger(), on_log=lines.append), lines


def test_gitlab_run_shows_the_log_as_it_grows_and_reports_the_images(here: Rehearsal) -> None:
    """Every line comes once, without the web page's marks, and the report's lines become images."""
    runner = FakeRunner(here.url)
    here.clock.steps = [
        runner.take,
        lambda: runner.say("section_start:1:build\r\x1b[0K\x1b[32mstep one\x1b[0m\nstep t"),
        lambda: runner.say("wo\nsledge: image web: 3 of 5 steps cached\n"),
        lambda: runner.end("success", saying=f"sledge: image web: pushed registry/team/web@{DIGEST}\nbye"),
    ]
    outcome, lines = follow(here)
    assert lines == [
        "step one",
        "step two",
        "sledge: image web: 3 of 5 steps cached",
        f"sledge: image web: pushed registry/team/web@{DIGEST}",
        "bye",
    ]
    assert (outcome.status, outcome.failure, outcome.reason) == (Status.SUCCEEDED, FailureClass.NONE, "")
    assert outcome.images == (
        BuiltImage(image="web", reference=f"registry/team/web@{DIGEST}", cached_steps=3, total_steps=5),
    )
    assert outcome.run.url.startswith(here.url)
    assert outcome.run.commit == here.git("rev-parse", "HEAD")


def test_gitlab_run_that_fails_says_whose_failure_it_is(here: Rehearsal) -> None:
    """A failing script is the user's failure, with the job named and the log shown to its end."""
    runner = FakeRunner(here.url)
    here.clock.steps = [
        runner.take,
        lambda: runner.end("failed", "script_failure", saying="error: no such file\n"),
    ]
    outcome, lines = follow(here)
    assert (outcome.status, outcome.failure) == (Status.FAILED, FailureClass.USER)
    assert outcome.reason == "job build: script_failure"
    assert lines == ["error: no such file"]


def test_gitlab_run_survives_a_broken_runner(here: Rehearsal) -> None:
    """A runner's own failure is retried once by GitLab, and the second job's log is followed as well."""
    runner = FakeRunner(here.url)
    here.clock.steps = [
        runner.take,
        lambda: runner.end("failed", "runner_system_failure", saying="disk full\n"),
        runner.take,
        lambda: runner.end("success", saying="built\n"),
    ]
    outcome, lines = follow(here)
    assert outcome.status is Status.SUCCEEDED
    assert lines == ["disk full", "built"]


def test_gitlab_run_needs_the_commit_on_gitlab(here: Rehearsal, recorder: Recorder) -> None:
    """A commit that was not applied is not built by accident: the error names the command to run."""
    here.commit("main.rs")
    with pytest.raises(ConflictError, match="sledge apply -p gitlab"):
        here.connect().trigger()
    assert recorder.writes == []
    here.apply()
    assert here.connect().trigger().commit == here.git("rev-parse", "HEAD")


def test_gitlab_run_needs_the_current_ci_file_on_gitlab(here: Rehearsal) -> None:
    """A changed sledge.yaml must be applied before it is built."""
    here.settings = replace(here.settings, timeout_minutes=10)
    with pytest.raises(ConflictError, match="sledge apply -p gitlab"):
        here.connect().trigger()


def test_gitlab_run_without_a_runner_ends_at_the_deadline(here: Rehearsal) -> None:
    """When nobody takes the job the wait ends where the settings say, and says that it may still run."""
    here.settings = replace(here.settings, wait_minutes=5)
    here.apply()
    connection = here.connect()
    run = connection.trigger()
    with pytest.raises(TimedOutError, match="within 300 s"):
        connection.follow(run, on_log=lambda line: None)


def test_gitlab_run_sends_only_what_gitlab_describes(here: Rehearsal, recorder: Recorder) -> None:
    """Requests and answers of trigger, follow and cancel fit GitLab's OpenAPI document."""
    runner = FakeRunner(here.url)
    here.clock.steps = [runner.take, lambda: runner.end("success", saying="done\n")]
    outcome, _ = follow(here)
    here.connect().cancel(outcome.run)
    made, canceled = recorder.writes
    assert made.endswith("/pipeline")
    assert canceled.endswith(f"/pipelines/{outcome.run.id}/cancel")
    recorder.check()
