"""Predictions and reasons as text for a person."""

from collections.abc import Sequence

from sledgehammer.explain.predict import Prediction
from sledgehammer.explain.record import BuildRecord
from sledgehammer.explain.why import StepReason


def render_predictions(predictions: Sequence[Prediction]) -> str:
    """One line per step, and a sum."""
    lines = []
    for found in predictions:
        verdict = "hit " if found.is_hit else "miss"
        reason = "" if found.is_hit else f"  <- {found.reason}"
        lines.append(f"{verdict} {found.step.label} {found.step.title}{reason}")
    hits = sum(found.is_hit for found in predictions)
    return "".join(f"{line}\n" for line in (*lines, f"{hits} of {len(predictions)} steps will be cached"))


def render_reasons(record: BuildRecord, reasons: Sequence[StepReason]) -> str:
    """The steps that ran, with seconds and reason; what merely follows another step is told in one line with it."""
    total = len(record.progress.steps)
    ran = sum(not step.is_cached for step in record.progress.steps)
    head = f"image {record.image} at {record.commit[:12]}: {total - ran} of {total} steps cached"
    lines = []
    for reason in reasons:
        if reason.root:
            continue
        lines.append(f"ran {reason.step.label} {reason.title} ({reason.step.seconds:.1f} s)  <- {reason.reason}")
        followers = [other for other in reasons if other.root == reason.step.label]
        if followers:
            seconds = sum(other.step.seconds for other in followers)
            labels = ", ".join(other.step.label for other in followers)
            lines.append(f"    and so did {labels} ({seconds:.1f} s)")
    return "".join(f"{line}\n" for line in (head, *lines))
