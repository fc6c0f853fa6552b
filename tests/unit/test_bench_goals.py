"""The goals of the cache benchmark."""

from dataclasses import replace

from sledgehammer_bench.cache.breakdown import Breakdown
from sledgehammer_bench.cache.cache_goals import judge
from sledgehammer_bench.cache.results import Measurement, Results
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.goals import Goal, exit_code, goal_lines

STRATEGIES = ("none", "registry", "auto")
SECONDS = {
    ("article", Scenario.COLD): 100.0,
    ("article", Scenario.SOURCE): 40.0,
    ("article-working", Scenario.COLD): 100.0,
    ("article-working", Scenario.SOURCE): 30.0,
    ("none", Scenario.COLD): 100.0,
    ("registry", Scenario.COLD): 102.0,
    ("registry", Scenario.NOTHING): 9.0,
    ("registry", Scenario.SOURCE): 20.0,
    ("auto", Scenario.COLD): 100.0,
    ("auto", Scenario.NOTHING): 1.0,
    ("auto", Scenario.SOURCE): 10.0,
}


def run(variant: str, scenario: Scenario, seconds: float, *, example: str = "web", repetition: int = 1) -> Measurement:
    return Measurement(
        example=example,
        variant=variant,
        scenario=scenario,
        repetition=repetition,
        exit_code=0,
        seconds=seconds,
        breakdown=Breakdown(cached=3, total=5, changed_s=4.0 if scenario is Scenario.SOURCE else 0.0),
    )


RUNS = tuple(run(variant, scenario, seconds) for (variant, scenario), seconds in SECONDS.items())


def verdicts(runs: tuple[Measurement, ...], strategies: tuple[str, ...] = STRATEGIES) -> dict[str, Goal]:
    return {goal.name: goal for goal in judge(Results(measurements=runs), strategies)}


def test_all_goals_hold_on_figures_that_are_good_enough() -> None:
    """Each ratio is of two medians of the same run."""
    goals = verdicts(RUNS)

    assert [goal.measured for goal in goals.values()] == [0.1, 10 / 30, 0.25, 0.06, 1.0, 0.0, 0.0, 1.0, 1.0]
    assert all(goal.holds for goal in goals.values())
    assert exit_code(tuple(goals.values())) == 0


def test_a_failed_run_makes_every_goal_that_needs_it_missed() -> None:
    """And no other; the note names it."""
    broken = tuple(
        replace(one, exit_code=1) if (one.variant, one.scenario) == ("article", Scenario.SOURCE) else one
        for one in RUNS
    )
    missed = {name: goal for name, goal in verdicts(broken).items() if not goal.holds}

    assert list(missed) == ["source change / the article's script as written"]
    assert "article, source change failed" in missed["source change / the article's script as written"].note
    assert exit_code(tuple(missed.values())) == 3


def test_the_worst_example_decides_and_one_that_was_left_out_is_named() -> None:
    """A figure of one example cannot stand for another."""
    second = (run("auto", Scenario.COLD, 100, example="rust"), run("auto", Scenario.SOURCE, 50, example="rust"))
    goals = verdicts((*RUNS, *second))

    ratio = goals["source change / cold, best strategy"]
    assert (ratio.measured, ratio.holds) == (0.5, False)
    working = goals["source change / the article's closest working form"]
    assert working.holds
    assert "rust: article-working, source change was left out" in working.note


def test_without_auto_the_quickest_strategy_is_judged_and_its_own_goal_is_missed() -> None:
    """`none` is never the best: it caches nothing."""
    runs = tuple(one for one in RUNS if one.variant != "auto")
    goals = verdicts(runs, ("none", "registry"))

    assert goals["source change / cold, best strategy"].measured == 20 / 102
    chooser = goals["worst of auto / none"]
    assert (chooser.measured, chooser.holds) == (None, False)
    assert "there is no strategy auto yet" in chooser.note


def test_an_unchanged_build_that_pulls_or_builds_misses_its_goals() -> None:
    """Quick is not enough: any image pulled or build started is one too many."""
    busy = tuple(
        replace(one, breakdown=Breakdown(builds=1, pulls=2)) if one.scenario is Scenario.NOTHING else one
        for one in RUNS
    )
    goals = verdicts(busy)

    assert (goals["nothing changed, images pulled"].measured, goals["nothing changed, builds started"].measured) == (
        2,
        1,
    )


def test_a_goal_is_one_line() -> None:
    """With the value, the limit and the verdict."""
    goals = (
        Goal(name="a", limit=3, measured=2.5, unit=" s", note="by x"),
        Goal(name="long", limit=0.1, measured=None),
    )

    assert goal_lines(goals) == [
        "a       2.50 s  limit 3 s  holds  (by x)",
        "long         -  limit 0.1  missed",
    ]
