"""What a benchmark found, for a person and for a program. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from sledgehammer_bench.cache.breakdown import Breakdown
from sledgehammer_bench.cache.results import Cell, Measurement, Results
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.goals import Goal, goal_lines, goal_record

_CAUSES = tuple(field.name for field in fields(Breakdown) if field.name.endswith("_s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`left_out`: what was not run, and why, in words."""

    docker_version: str
    results: Results
    goals: tuple[Goal, ...]
    left_out: tuple[str, ...]


def as_text(report: Report) -> str:
    """Table, breakdown, failures, what was left out, goals."""
    lines: list[str] = []
    for example in report.results.examples:
        title = f"{example}, Docker {report.docker_version}: median seconds [shortest-longest] cached steps"
        lines += [title, *_table(report.results, example), ""]
    lines += [*_breakdowns(report.results), *_failures(report.results)]
    lines += [f"left out: {words}" for words in report.left_out]
    return "\n".join([*lines, "", "goals", *goal_lines(report.goals), ""])


def as_json(report: Report) -> str:
    """The same, with every run."""
    document = {
        "benchmark": "cache",
        "docker_version": report.docker_version,
        "cells": [
            _cell_record(cell)
            for example in report.results.examples
            for variant in report.results.variants
            for scenario in Scenario
            if (cell := report.results.cell(example, variant, scenario)) is not None
        ],
        "runs": [_run_record(run) for run in report.results.measurements],
        "left_out": list(report.left_out),
        "goals": [goal_record(goal) for goal in report.goals],
    }
    return json.dumps(document, indent=2) + "\n"


def _table(results: Results, example: str) -> list[str]:
    rows = [["variant", *(scenario.value for scenario in Scenario)]]
    for variant in results.variants:
        cells = [results.cell(example, variant, scenario) for scenario in Scenario]
        if any(cells):
            rows.append([variant, *(_cell_text(cell) for cell in cells)])
    return aligned(rows)


def _cell_text(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    if cell.failed:
        return "failed"
    low, high = cell.spread
    spread = f" [{low:.1f}-{high:.1f}]" if len(cell.runs) > 1 else ""
    return f"{cell.seconds:.1f}{spread} {cell.middle.breakdown.cached}/{cell.middle.breakdown.total}"


def _breakdowns(results: Results) -> list[str]:
    rows = [["example", "variant", "wall", *(cause.removesuffix("_s").replace("_", " ") for cause in _CAUSES), "rest"]]
    for example in results.examples:
        for variant in results.variants:
            cell = results.cell(example, variant, Scenario.SOURCE)
            if cell is None or cell.failed:
                continue
            run = cell.middle
            seconds = [float(getattr(run.breakdown, cause)) for cause in _CAUSES]
            rest = max(0.0, run.seconds - run.breakdown.known_s)
            rows.append([example, variant, *(f"{value:.1f}" for value in (run.seconds, *seconds, rest))])
    title = f"where the seconds of a {Scenario.SOURCE.value} go (the run in the middle)"
    return [title, *aligned(rows), ""] if len(rows) > 1 else []


def _failures(results: Results) -> list[str]:
    lines: list[str] = []
    for run in results.measurements:
        if run.failed:
            lines.append(f"failed: {run.example} {run.variant} {run.scenario.value} #{run.repetition}; its last lines:")
            lines += [f"  {line}" for line in run.last_lines]
    return [*lines, ""] if lines else []


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns under one another."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell_record(cell: Cell) -> dict[str, object]:
    run = cell.middle
    low, high = cell.spread
    return {
        "example": run.example,
        "variant": run.variant,
        "scenario": run.scenario.value,
        "failed": cell.failed,
        "repetitions": len(cell.runs),
        "median_s": cell.seconds,
        "shortest_s": low,
        "longest_s": high,
        "cached_steps": run.breakdown.cached,
        "total_steps": run.breakdown.total,
    }


def _run_record(run: Measurement) -> dict[str, object]:
    return {**asdict(run), "scenario": run.scenario.value}
