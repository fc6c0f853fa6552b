"""What was measured, and its medians."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from sledgehammer_bench.cache.breakdown import Breakdown
from sledgehammer_bench.cache.scenarios import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run. `seconds` is the wall time of the script in its job; `last_lines` are kept of a failed one."""

    example: str
    variant: str
    scenario: Scenario
    repetition: int
    exit_code: int
    seconds: float
    breakdown: Breakdown
    last_lines: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.exit_code != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """All repetitions of one example, variant and scenario; at least one."""

    runs: tuple[Measurement, ...]

    @property
    def failed(self) -> bool:
        """One failed repetition is a failure: a median of the others would hide it."""
        return any(run.failed for run in self.runs)

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """The shortest and the longest."""
        return min(run.seconds for run in self.runs), max(run.seconds for run in self.runs)

    @property
    def changed_s(self) -> float:
        """Median seconds of the steps that the change reached."""
        return median(run.breakdown.changed_s for run in self.runs)

    @property
    def middle(self) -> Measurement:
        """The run whose seconds stand in the middle (of two, the shorter)."""
        return sorted(self.runs, key=lambda run: run.seconds)[(len(self.runs) - 1) // 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that was run, in its order."""

    measurements: tuple[Measurement, ...]

    def cell(self, example: str, variant: str, scenario: Scenario) -> Cell | None:
        """None where it was left out."""
        runs = tuple(
            run for run in self.measurements if (run.example, run.variant, run.scenario) == (example, variant, scenario)
        )
        return Cell(runs=runs) if runs else None

    @property
    def examples(self) -> tuple[str, ...]:
        return _distinct(run.example for run in self.measurements)

    @property
    def variants(self) -> tuple[str, ...]:
        return _distinct(run.variant for run in self.measurements)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
