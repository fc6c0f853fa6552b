"""Goals: what a benchmark promises, what it measured, and whether that holds."""

from collections.abc import Sequence
from dataclasses import dataclass

ALL_HOLD = 0
ONE_MISSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One promise. `measured` is None where it could not be judged, which counts as missed; `note` says where the
    value comes from, or why there is none."""

    name: str
    limit: float
    measured: float | None
    note: str = ""
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was measured and keeps its limit."""
        return self.measured is not None and self.measured <= self.limit

    @property
    def verdict(self) -> str:
        return "holds" if self.holds else "missed"


def exit_code(goals: Sequence[Goal]) -> int:
    """0 where all hold, 3 where one is missed."""
    return ALL_HOLD if all(goal.holds for goal in goals) else ONE_MISSED


def goal_lines(goals: Sequence[Goal]) -> list[str]:
    """One line each: the promise, the measured value, the limit, the verdict."""
    width = max((len(goal.name) for goal in goals), default=0)
    return [
        f"{goal.name:<{width}}  {_value(goal):>8}  limit {goal.limit:g}{goal.unit}  {goal.verdict}"
        + (f"  ({goal.note})" if goal.note else "")
        for goal in goals
    ]


def goal_record(goal: Goal) -> dict[str, object]:
    """The same for a program."""
    return {
        "name": goal.name,
        "measured": goal.measured,
        "limit": goal.limit,
        "unit": goal.unit,
        "verdict": goal.verdict,
        "note": goal.note,
    }


def _value(goal: Goal) -> str:
    return "-" if goal.measured is None else f"{goal.measured:.2f}{goal.unit}"
