"""What the records of an image's last builds say of its steps: how long, how often changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sledgehammer.explain.model import build_steps
from sledgehammer.explain.predict import compare
from sledgehammer.explain.progress import ObservedStep
from sledgehammer.explain.record import BuildRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHistory:
    """One step over the builds. `run_s`: when it ran, None where it was cached each time; `cached_s`: when it was
    cached, its layers fetched or not; `change_share` of the builds had another key for it than the build before.
    `is_final`: of the target's own stage."""

    label: str
    run_s: float | None
    cached_s: float
    change_share: float
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The steps of the newest build over `builds` builds that had the same steps and a build before them to be compared
    with; in `unchanged_share` of them no step had changed. `reads_cache`: the newest build looked for one."""

    builds: int
    steps: tuple[StepHistory, ...]
    unchanged_share: float
    reads_cache: bool

    @property
    def run_s(self) -> float | None:
        """All steps, when none is cached; None where one of them was cached each time."""
        known = [step.run_s for step in self.steps if step.run_s is not None]
        return sum(known) if len(known) == len(self.steps) else None


def history_of(records: Sequence[BuildRecord]) -> History | None:
    """From records in the order of their builds, the newest first, each the one before which the next was the newest.

    None where no two of them can be compared. Raises ConfigurationError for a Dockerfile that cannot be read.
    """
    if not records:
        return None
    labels = _labels(records[0])
    alike = [record for record in records if _labels(record) == labels]
    changed = [_changed_steps(older, newer) for newer, older in pairwise(records) if _labels(newer) == labels]
    if not changed:
        return None
    modelled = build_steps(records[0].inputs())
    final = modelled[-1].stage if modelled else ""
    steps = tuple(
        StepHistory(
            label=label,
            run_s=_mean([step.seconds for step in _observed(alike, label) if not step.is_cached]),
            cached_s=_mean([step.seconds for step in _observed(alike, label) if step.is_cached]) or 0.0,
            change_share=sum(label in found for found in changed) / len(changed),
            is_final=label.startswith(f"[{final} "),
        )
        for label in labels
    )
    unchanged = sum(not found for found in changed) / len(changed)
    return History(
        builds=len(changed),
        steps=steps,
        unchanged_share=unchanged,
        reads_cache=bool(records[0].progress.imports),
    )


def _labels(record: BuildRecord) -> tuple[str, ...]:
    return tuple(sorted(step.label for step in record.progress.steps))


def _observed(records: Sequence[BuildRecord], label: str) -> list[ObservedStep]:
    return [step for record in records for step in record.progress.steps if step.label == label]


def _changed_steps(older: BuildRecord, newer: BuildRecord) -> frozenset[str]:
    found = compare(build_steps(older.inputs()), build_steps(newer.inputs()))
    return frozenset(label for prediction in found if not prediction.is_hit for label in prediction.labels)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
