"""Programs that do the same, measured beside ours: what the table, the goals and the reader learn of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sledgehammer_bench.goals import Goal
from sledgehammer_bench.provisioning.measure import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A peer that could not be measured here."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a part of the benchmark has measured, what it promises, and what it had to leave out."""

    runs: Sequence[Measurement] = ()
    goals: Sequence[Goal] = ()
    left_out: Sequence[Skipped] = ()
