"""The goals of `./dev bench provisioning`."""

from dataclasses import replace

from sledgehammer_bench.goals import exit_code
from sledgehammer_bench.provisioning.measure import Measurement
from sledgehammer_bench.provisioning.provisioning_goals import judge

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
