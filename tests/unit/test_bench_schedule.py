"""What the cache benchmark runs, in which order, and what it leaves out."""

from pathlib import Path

import pytest

from sledgehammer.errors import NotFoundError
from sledgehammer_bench.cache.command import QUICK_BUDGET_S
from sledgehammer_bench.cache.examples import EXAMPLES, NAIVE, Example, apply_edits, copy_example, present_examples
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.cache.schedule import Block, estimate_s, fits, full_blocks, left_out_by_quick, quick_blocks
from sledgehammer_bench.cache.variants import variants

FOLDER = Path(__file__).parents[2] / "examples"
PRESENT = present_examples(FOLDER)
VARIANTS = variants(("none", "inline", "registry", "auto"))


def runs(blocks: tuple[Block, ...]) -> list[tuple[str, str, str, int]]:
    return [
        (step.example.name, step.variant.name, step.scenario.name, step.repetition)
        for block in blocks
        for step in block.steps
    ]


def test_quick_runs_once_and_only_what_goals_need() -> None:
    """The article in both forms, none and auto; scenario by scenario, so that variants stand side by side."""
    web = [one for one in runs(quick_blocks(PRESENT, VARIANTS)) if one[0] == "node-web"]

    assert [(variant, scenario) for _, variant, scenario, _ in web] == [
        ("article-working", "COLD"),
        ("none", "COLD"),
        ("auto", "COLD"),
        ("auto", "NOTHING"),
        ("article-working", "SOURCE"),
        ("auto", "SOURCE"),
        ("article", "COLD"),
        ("article", "SOURCE"),
    ]
    assert "--quick: inline" in left_out_by_quick(PRESENT, VARIANTS)


def test_a_quick_run_is_planned_to_end_within_a_quarter_of_an_hour() -> None:
    """By the guesses that it starts with, engines included; the article as written of the last example may not fit."""
    *needed, last = quick_blocks(PRESENT, VARIANTS)
    assert sum(estimate_s(block, {}) for block in needed) < QUICK_BUDGET_S < 15 * 60
    assert {step.variant.name for step in last.steps} == {"article"}


def test_as_long_as_there_is_no_auto_every_strategy_can_win() -> None:
    """So every strategy takes part in a quick run."""
    quick = quick_blocks(PRESENT, variants(("none", "inline", "registry")))

    assert {"none", "inline", "registry"} <= {variant for _, variant, _, _ in runs(quick)}


def test_the_whole_runs_everything_once_and_what_is_judged_three_times() -> None:
    """What the goals need comes first, repetitions last, so that a time budget costs repetitions."""
    done = runs(full_blocks(PRESENT, VARIANTS))

    once = {one for one in done if one[3] == 1}
    caching = [variant for variant in VARIANTS if variant.keeps_cache]
    assert len(once) == len(PRESENT) * (len(VARIANTS) * (len(Scenario) - 1) + len(caching))
    assert {variant for _, variant, scenario, _ in once if scenario == "REBUILD"} == {one.name for one in caching}
    assert ("node-web", "auto", "SOURCE", 3) in done
    assert ("node-web", "inline", "SOURCE", 2) not in done
    assert len(done) == len(set(done))
    repetitions = [repetition for _, _, _, repetition in done]
    assert repetitions == sorted(repetitions)


def test_a_block_that_would_outlast_the_budget_is_left_out() -> None:
    """The guess goes by what the same runs took before; the first block is always run."""
    first, *_, last = full_blocks(PRESENT, VARIANTS)
    seen = {step.key: 10.0 for step in last.steps}
    needed = 18.0 * len(last.steps)

    assert fits(first, {}, elapsed_s=0, budget_s=1)
    assert fits(last, seen, elapsed_s=100, budget_s=100 + needed)
    assert not fits(last, seen, elapsed_s=101, budget_s=100 + needed)


@pytest.mark.parametrize("example", PRESENT, ids=lambda example: example.name)
def test_every_change_changes_the_example(tmp_path: Path, example: Example) -> None:
    """Source and dependencies; each example has a naive Dockerfile too."""
    for naive in (False, True):
        copy = tmp_path / str(naive)
        copy_example(example, FOLDER, copy, naive=naive)
        for scenario in (Scenario.SOURCE, Scenario.DEPENDENCY):
            before = [(copy / edit.file).read_text() for edit in example.edits(scenario)]
            apply_edits(example.edits(scenario), copy)
            after = [(copy / edit.file).read_text() for edit in example.edits(scenario)]
            assert all(old != new for old, new in zip(before, after, strict=True))
    assert (tmp_path / "True" / "Dockerfile").read_text() == (NAIVE / f"{example.name}.Dockerfile").read_text()


def test_a_change_that_would_change_nothing_is_an_error(tmp_path: Path) -> None:
    """Else a benchmark would measure an unchanged build and call it a change."""
    (tmp_path / "server.js").write_text("something else")

    with pytest.raises(NotFoundError, match="does not hold"):
        apply_edits((EXAMPLES[0].source,), tmp_path)
