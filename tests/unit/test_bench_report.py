"""The table and the JSON of the cache benchmark."""

import json

from sledgehammer_bench.cache.breakdown import Breakdown
from sledgehammer_bench.cache.report import Report, as_json, as_text
from sledgehammer_bench.cache.results import Measurement, Results
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.goals import Goal


def run(scenario: Scenario, seconds: float, repetition: int = 1, *, exit_code: int = 0) -> Measurement:
    return Measurement(
        example="web",
        variant="registry",
        scenario=scenario,
        repetition=repetition,
        exit_code=exit_code,
        seconds=seconds,
        breakdown=Breakdown(cached=repetition, total=9, pull_s=6.0, changed_s=1.5),
        last_lines=("no space left",) if exit_code else (),
    )


REPORT = Report(
    docker_version="26.1",
    results=Results(
        measurements=(
            run(Scenario.COLD, 30.0),
            run(Scenario.SOURCE, 12.0, 1),
            run(Scenario.SOURCE, 10.0, 2),
            run(Scenario.SOURCE, 20.0, 3),
            run(Scenario.DEPENDENCY, 5.0, exit_code=9),
        )
    ),
    goals=(Goal(name="source change / cold", limit=0.1, measured=0.4),),
    left_out=("rust-rocket: repetition 3",),
)


def test_a_cell_shows_median_spread_and_cached_steps() -> None:
    """One run has no spread; a scenario that was left out is a dash, a failed one says so."""
    lines = as_text(REPORT).splitlines()

    (row,) = [line for line in lines if line.startswith("registry")]
    for cell in ("30.0 1/9", " - ", "12.0 [10.0-20.0] 1/9", "failed"):
        assert cell in row


def test_the_breakdown_explains_the_wall_time_of_a_source_change() -> None:
    """What no cause is known for is the rest."""
    lines = as_text(REPORT).splitlines()

    (row,) = [line for line in lines if line.startswith("web      registry")]
    assert row.split() == ["web", "registry", "12.0", "0.0", "6.0", "1.5", "0.0", "0.0", "0.0", "0.0", "0.0", "4.5"]


def test_failures_and_what_was_left_out_are_never_silent() -> None:
    """The last lines of a failed run stand in the report, and the goals at its end."""
    text = as_text(REPORT)

    assert "failed: web registry dependency change #1; its last lines:\n  no space left\n" in text
    assert "left out: rust-rocket: repetition 3\n" in text
    assert text.endswith("goals\nsource change / cold      0.40  limit 0.1  missed\n")


def test_a_program_reads_the_same() -> None:
    """Cells with medians, every run, what was left out, goals with verdicts."""
    document = json.loads(as_json(REPORT))

    cells = {cell["scenario"]: cell for cell in document["cells"]}
    assert (cells["source change"]["median_s"], cells["source change"]["repetitions"]) == (12.0, 3)
    assert cells["dependency change"]["failed"] is True
    assert len(document["runs"]) == 5
    assert document["runs"][1]["breakdown"]["pull_s"] == 6.0
    assert document["left_out"] == ["rust-rocket: repetition 3"]
    assert document["goals"][0]["verdict"] == "missed"
