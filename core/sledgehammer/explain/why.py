"""Why each step that ran did run: two build records compared."""

from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer.explain.alignment import Cause
from sledgehammer.explain.model import build_steps
from sledgehammer.explain.predict import Prediction, compare
from sledgehammer.explain.progress import CacheImport, ObservedStep
from sledgehammer.explain.record import BuildRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReason:
    """One step that ran. `root` names the step that a change came in at, "" when it is this one."""

    step: ObservedStep
    title: str
    cause: Cause
    reason: str
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What holds for all steps; `lost` is why no cache was there. `shown` is the name by which BuildKit told a step,
    where equal steps of several stages have several."""

    lost: str
    has_record: bool
    are_files_known: bool
    shown: Mapping[str, str]


def explain(
    before: BuildRecord | None, now: BuildRecord, *, known: Mapping[str, str] | None = None
) -> tuple[StepReason, ...]:
    """A reason for each step of the later build that ran; nothing for those from the cache. Without an earlier record
    only the imports can tell. `known` are argument values by their SHA-256. Raises ConfigurationError."""
    after = build_steps(now.inputs(known))
    earlier = build_steps(before.inputs(known)) if before is not None else ()
    predictions = {label: found for found in compare(earlier, after) for label in found.labels}
    lost = _failed_imports(now.progress.imports)
    are_files_known = now.files is not None and (before is None or before.files is not None)
    shown = {label: _shown(found, now) for label, found in predictions.items()}
    reasons: dict[str, StepReason] = {}
    for observed in sorted(now.progress.steps, key=lambda step: _place(step, list(predictions))):
        if not observed.is_cached:
            found = predictions.get(observed.label)
            facts = _Facts(lost=lost, has_record=before is not None, are_files_known=are_files_known, shown=shown)
            reasons[observed.label] = _reason(observed, found, reasons, facts)
    return tuple(reasons.values())


def _shown(found: Prediction, now: BuildRecord) -> str:
    seen = {step.label for step in now.progress.steps}
    return next((label for label in found.labels if label in seen), found.step.label)


def _place(step: ObservedStep, labels: list[str]) -> int:
    return labels.index(step.label) if step.label in labels else len(labels)


def _reason(
    observed: ObservedStep,
    found: Prediction | None,
    reasons: Mapping[str, StepReason],
    facts: _Facts,
) -> StepReason:
    title = found.step.title if found is not None else observed.keyword

    def because(cause: Cause, reason: str, root: str = "") -> StepReason:
        return StepReason(step=observed, title=title, cause=cause, reason=reason, root=root)

    if facts.lost:
        return because(Cause.NO_CACHE, f"no cache found ({facts.lost})")
    if not facts.has_record:
        return because(Cause.NO_CACHE, "no earlier build left a record")
    if found is None:
        return because(Cause.NEW, "the Dockerfile in the record has no such step")
    if not found.is_hit:
        root = facts.shown.get(found.root, found.root)
        return because(found.cause or Cause.NEW, f"follows {root}" if root else found.reason, root)
    above = [found.step.parent, *(upstream.step for upstream in found.step.upstream)]
    for label in (facts.shown[step.label] for step in above if step is not None):
        if label in reasons:
            root = reasons[label].root or label
            return because(Cause.PARENT, f"follows {root}", root)
    if not facts.are_files_known and found.step.keyword in ("ADD", "COPY") and not found.step.upstream:
        return because(Cause.FILE, "perhaps a file: a record lacks the list of files")
    is_kept = not (found.step.keyword == "COPY" and "--link" in found.step.title.split() and not found.step.upstream)
    why = "the cache did not hold it" if is_kept else "a build that only copies little writes no cache"
    return because(Cause.NOT_HELD, f"same key, yet it ran: {why}")


def _failed_imports(imports: tuple[CacheImport, ...]) -> str:
    """Why no cache was there at all, "" when one was, or none was asked for."""
    if not imports or not all(found.error for found in imports):
        return ""
    return "; ".join(_told(found) for found in imports)


def _told(found: CacheImport) -> str:
    """The registry's answer without what BuildKit puts around it."""
    error = found.error.removeprefix("failed to configure registry cache importer: ")
    error = error.removeprefix(f"{found.ref}: ")
    return f"{error} on {found.ref}"
