"""The goals of `./dev bench provisioning`."""

from dataclasses import replace

import pytest

from sledgehammer_bench.goals import exit_code
from sledgehammer_bench.provisioning import command
from sledgehammer_bench.provisioning.measure import Measurement, fastest
from sledgehammer_bench.provisioning.provisioning_goals import (
    judge,
    judge_beside,
    judge_folded,
    judge_same,
    judge_sets,
)

QUICK = Measurement(name="quick", seconds=2.0, requests=1005)
SLOW = replace(QUICK, seconds=9.0)
REFUSED = replace(QUICK, seconds=12.0, requests=1057, throttled=52)


def verdicts(quick: Measurement = QUICK, slow: Measurement = SLOW, refused: Measurement = REFUSED) -> list[bool]:
    return [goal.holds for goal in judge(quick, slow, refused, projects=250, threads=16)]


def test_four_requests_a_project_and_one_a_hundred_are_the_limit() -> None:
    """1003 for 250 projects: two more are a goal missed, and exit code 3."""
    assert verdicts() == [False, False, True, True, True, True]
    lean = replace(QUICK, requests=1003)
    assert verdicts(lean, replace(lean, seconds=9.0)) == [True] * 6
    assert exit_code(judge(QUICK, SLOW, REFUSED, projects=250, threads=16)) == 3


def test_a_plan_that_finds_something_or_asks_too_early_misses_its_goal() -> None:
    """A change that is none, a request before its time, and more seconds than asked for."""
    lean = replace(QUICK, requests=1003)
    assert verdicts(replace(lean, pending=1), lean)[2] is False
    assert verdicts(lean, lean, replace(REFUSED, pending=1))[3] is False
    assert verdicts(lean, lean, replace(REFUSED, early=1))[4] is False
    assert verdicts(lean, lean, replace(REFUSED, seconds=56.0))[5] is False


def test_by_graphql_a_tenth_of_a_request_a_project_and_twenty_are_the_limit() -> None:
    """And one more for each that asks for deploy tokens; the dearer of the plans counts, and changes of any."""
    plan = Measurement(name="folded", seconds=1.0, requests=45)
    assert [goal.holds for goal in judge_folded([plan, plan], projects=250, tokens=0)] == [True, True]
    dearer = replace(plan, requests=46)
    assert [goal.holds for goal in judge_folded([plan, dearer], projects=250, tokens=0)] == [False, True]
    assert [goal.holds for goal in judge_folded([dearer, dearer], projects=250, tokens=1)] == [True, True]
    assert [goal.holds for goal in judge_folded([plan, replace(plan, pending=1)], projects=250, tokens=0)] == [
        True,
        False,
    ]


def test_eleven_requests_for_ten_sets_are_the_limit_on_aws() -> None:
    """440 for 400 sets hold; one more is a goal missed, and exit code 3."""
    plan = Measurement(name="aws", seconds=9.0, requests=440)
    assert [goal.holds for goal in judge_sets(plan, sets=400)] == [True, True]
    more = judge_sets(replace(plan, requests=441), sets=400)
    assert [goal.holds for goal in more] == [False, True]
    assert exit_code(more) == 3


def test_of_a_small_fleet_what_any_plan_asks_is_left_out_and_said_so() -> None:
    """124 for 100 sets hold, for 14 of them are sent for a single set too; 125 do not."""
    plan = Measurement(name="aws", seconds=3.0, requests=124)
    first, _ = judge_sets(plan, sets=100)
    assert first.holds
    assert first.note == "124 requests without the 14 that any plan sends"
    assert not judge_sets(replace(plan, requests=125), sets=100)[0].holds


def test_a_change_that_a_plan_finds_on_aws_misses_its_goal() -> None:
    """However few requests it took."""
    plan = Measurement(name="aws", seconds=9.0, requests=400, pending=1)
    assert [goal.holds for goal in judge_sets(plan, sets=400)] == [True, False]


def test_a_fifth_of_gitlabforms_seconds_is_the_limit_of_the_plan_by_graphql() -> None:
    """REST alone is told and not judged."""
    ours, theirs = replace(QUICK, seconds=2.0), replace(QUICK, seconds=10.0)
    (goal,) = judge_beside(ours, replace(QUICK, seconds=9.0), theirs, latency_s=0.05)
    assert (goal.holds, goal.measured) == (True, 0.2)
    assert goal.name == "seconds of sledge / of gitlabform, 50 ms latency"
    assert goal.note == "2.0 s by GraphQL and 10.0 s; by REST alone 9.0 s, 0.90"
    assert not judge_beside(replace(ours, seconds=2.1), ours, theirs, latency_s=0)[0].holds


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_seconds_of_a_plan_that_was_not_without_changes_are_not_compared(changed: int) -> None:
    """Whoever found or made one: the goal is missed, however fast."""
    runs = [replace(QUICK, seconds=seconds) for seconds in (1.0, 1.0, 10.0)]
    runs[changed] = replace(runs[changed], pending=3)
    (goal,) = judge_beside(*runs, latency_s=0)
    assert (goal.measured, goal.holds) == (None, False)
    assert "not without changes" in goal.note


def test_of_several_runs_the_fastest_counts_and_any_change_that_one_found() -> None:
    """Others use the machine; what was found once is there."""
    runs = [replace(QUICK, seconds=3.0, pending=1), replace(QUICK, seconds=2.0), replace(QUICK, seconds=4.0)]
    assert fastest(runs) == replace(QUICK, seconds=2.0, pending=1)


def test_a_change_that_either_finds_in_what_terraform_made_is_told() -> None:
    """Then they did not plan over the same; else what each took is in the note."""
    ours, theirs = replace(QUICK, requests=40, seconds=2.0), replace(QUICK, requests=396, seconds=17.4)
    (goal,) = judge_same(ours, theirs, sets=25)
    assert goal.holds
    assert goal.note == (
        "sledge 0, with 1.6 requests per set in 2.0 s; Terraform 0, with 15.8 requests per set in 17.4 s"
    )
    assert not judge_same(replace(ours, pending=1), theirs, sets=25)[0].holds
    assert not judge_same(ours, replace(theirs, pending=1), sets=25)[0].holds


def test_numbers_that_count_nothing_are_refused_before_anything_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    """A fleet of none has no requests per set."""
    with pytest.raises(SystemExit, match="2"):
        command.main(["--sets", "0"])
    assert "0 is not a number from 1" in capsys.readouterr().err
