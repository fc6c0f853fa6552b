"""When jobs start, what a pipeline then is, and what is tried again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sledgehammer_localstack.ci.model import Job, JobStatus, Need, Retry, When
from sledgehammer_localstack.ci.retrying import should_retry
from sledgehammer_localstack.ci.scheduling import JobState, advance, artifact_sources, skipped_after

STAGES = ("build", "test", "deploy")


def state(text: str) -> JobState:
    """A job of one line: `name stage status` (a name of one letter) and any of the words manual, always, on_failure,
    may_fail, may_fail_3 (exit code 3), exit_3 (it ended so), needs=a,b (or `needs=` for none)."""
    name, stage, status, *words = text.split()
    job = Job(name=name, stage=stage, script=("x",))
    exit_code = None
    for word in words:
        if word.startswith("needs="):
            needed = [part for part in word.removeprefix("needs=").split(",") if part]
            job = replace(job, needs=tuple(Need(job=part) for part in needed))
        elif word == "may_fail":
            job = replace(job, allow_failure=True)
        elif word == "may_fail_3":
            job = replace(job, allow_failure_exit_codes=(3,))
        elif word.startswith("exit_"):
            exit_code = int(word.removeprefix("exit_"))
        else:
            job = replace(job, when=When(word))
    return JobState(id=ord(name), job=job, status=JobStatus(status), exit_code=exit_code)


def advanced(lines: Sequence[str]) -> tuple[dict[str, str], str]:
    """What moves, by name, and the pipeline's status."""
    states = [state(line) for line in lines]
    names = {one.id: one.job.name for one in states}
    result = advance(states, STAGES)
    return {names[move.job_id]: move.status.value for move in result.transitions}, result.status.value


@pytest.mark.parametrize(
    ("lines", "moves", "status"),
    [
        # stages
        (["a build created", "b test created"], {"a": "pending"}, "pending"),
        (["a build running", "b test created"], {}, "running"),
        (["a build success", "b test created", "c test created"], {"b": "pending", "c": "pending"}, "running"),
        (["a build success", "x build running", "b test created"], {}, "running"),
        (["a build success", "b deploy created"], {"b": "pending"}, "running"),
        (["a build success", "b test success"], {}, "success"),
        (["a build failed", "b test created", "c deploy created"], {"b": "skipped", "c": "skipped"}, "failed"),
        (["a build canceled", "b test created"], {"b": "skipped"}, "canceled"),
        # failures that are allowed
        (["a build failed may_fail", "b test created"], {"b": "pending"}, "pending"),
        (["a build failed may_fail", "b test success"], {}, "success"),
        (["a build failed may_fail_3 exit_3", "b test created"], {"b": "pending"}, "pending"),
        (["a build failed may_fail_3 exit_1", "b test created"], {"b": "skipped"}, "failed"),
        # when
        (["a build failed", "b test created on_failure"], {"b": "pending"}, "running"),
        (["a build success", "b test created on_failure"], {"b": "skipped"}, "success"),
        (["a build failed", "b test created always"], {"b": "pending"}, "running"),
        (["a build failed", "b test skipped", "c deploy created always"], {"c": "pending"}, "running"),
        (["a build running", "b test created always"], {}, "running"),
        # manual
        (["a build success", "b test created manual may_fail"], {"b": "manual"}, "success"),
        (["a build success", "b test created manual may_fail", "c deploy created"],
         {"b": "manual", "c": "pending"}, "running"),
        (["a build success", "b test created manual", "c deploy created"], {"b": "manual"}, "manual"),
        (["a build failed", "b test created manual"], {"b": "skipped"}, "failed"),
        (["a build manual may_fail"], {}, "skipped"),
        # needs
        (["a build running", "b test created needs="], {"b": "pending"}, "running"),
        (["a build success", "x build running", "b test created needs=a"], {"b": "pending"}, "running"),
        (["a build running", "x build success", "b test created needs=a,x"], {}, "running"),
        (["a build failed", "x build running", "b test created needs=a"], {"b": "skipped"}, "running"),
        (["a build failed may_fail", "b test created needs=a"], {"b": "pending"}, "pending"),
        (["a build skipped", "b test created needs=a"], {"b": "skipped"}, "skipped"),
        (["a build failed", "b test created on_failure needs=a"], {"b": "pending"}, "running"),
        (["a build manual may_fail", "b test created needs=a"], {"b": "skipped"}, "skipped"),
        (["a build manual", "b test created needs=a"], {}, "manual"),
        (["a test success", "b test created needs=a"], {"b": "pending"}, "running"),
        (["a build failed", "b test created needs=a", "c test created needs=b"],
         {"b": "skipped", "c": "skipped"}, "failed"),
        (["c test created needs=b", "b test created needs=a", "a build failed"],
         {"b": "skipped", "c": "skipped"}, "failed"),
        # what is done stays
        (["a build pending", "b build created"], {"b": "pending"}, "pending"),
    ],
)  # fmt: skip
def test_jobs_move_as_on_gitlab(lines: list[str], moves: dict[str, str], status: str) -> None:
    """Stage order, needs, `when`, allowed failures and manual steps lead to GitLab's moves and pipeline status."""
    assert advanced(lines) == (moves, status)


def test_artifacts_come_from_earlier_stages_unless_the_job_chooses() -> None:
    """`dependencies` chooses, else `needs`, else all earlier stages count."""
    states = [state("a build success"), state("b build success"), state("c test success")]

    def sources(job: Job) -> list[str]:
        return [one.job.name for one in artifact_sources(job, states, STAGES)]

    plain = Job(name="it", stage="test", script=("x",))
    assert sources(plain) == ["a", "b"]
    assert sources(replace(plain, dependencies=("b",))) == ["b"]
    assert sources(replace(plain, dependencies=())) == []
    needs = replace(plain, needs=(Need(job="a"), Need(job="c"), Need(job="b", artifacts=False)))
    assert sources(needs) == ["a", "c"]
    assert sources(replace(needs, dependencies=("c",))) == ["c"]
    assert sources(replace(plain, needs=())) == []


def test_a_retried_job_gives_those_after_it_another_chance() -> None:
    """Skipped jobs of later stages and those that need it, also indirectly, are created again."""
    states = [
        state("a build failed"),
        state("b test skipped"),
        state("c test skipped needs=a"),
        state("d deploy skipped needs=c"),
        state("e deploy skipped needs=x"),
        state("f deploy success"),
    ]
    again = [one.job.name for one in skipped_after(states[0].job, states, STAGES)]
    assert again == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("retry", "reason", "exit_code", "done", "expected"),
    [
        (Retry(), "script_failure", 1, 0, False),
        (Retry(max=1), "script_failure", 1, 0, True),
        (Retry(max=1), "script_failure", 1, 1, False),
        (Retry(max=2), "runner_system_failure", None, 1, True),
        (Retry(max=2, when=("runner_system_failure",)), "script_failure", 1, 0, False),
        (Retry(max=2, when=("runner_system_failure",)), "runner_system_failure", None, 0, True),
        (Retry(max=1, when=(), exit_codes=(137,)), "script_failure", 137, 0, True),
        (Retry(max=1, when=(), exit_codes=(137,)), "script_failure", 1, 0, False),
        (Retry(max=1, when=("stuck_or_timeout_failure",), exit_codes=(3,)), "script_failure", 3, 0, True),
    ],
)
def test_a_failed_job_is_tried_again_as_its_retry_says(
    retry: Retry, reason: str, exit_code: int | None, done: int, expected: bool
) -> None:
    """The number of tries, the reason and the exit code decide."""
    job = Job(name="it", stage="test", script=("x",), retry=retry)
    assert should_retry(job, failure_reason=reason, exit_code=exit_code, retries_done=done) is expected
