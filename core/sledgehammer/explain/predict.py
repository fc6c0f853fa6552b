"""Which steps a build will find in the cache of an earlier one, before it is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sledgehammer.explain.alignment import Cause, counterparts, differences
from sledgehammer.explain.inputs import BuildInputs
from sledgehammer.explain.model import build_steps
from sledgehammer.explain.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One step of the later build. A miss has its cause, and as `root` the step where the change came in, "" when it
    is this one. Equal steps of several stages are built once; `labels` are all their names."""

    step: Step
    labels: tuple[str, ...]
    is_hit: bool
    cause: Cause | None = None
    reason: str = ""
    root: str = ""


def predict(before: BuildInputs | None, after: BuildInputs) -> tuple[Prediction, ...]:
    """Hit or miss per step of the later build, given that the earlier one's whole cache is there; without
    an earlier one nothing hits.

    A step that copies from a stage in which something runs again hits when its bytes come out the same. That is taken
    for so where no step that runs again can have written there, or where those steps have the same files, commands and
    ENV as before: steps are taken to be repeatable. Raises ConfigurationError.
    """
    return compare(build_steps(before) if before is not None else (), build_steps(after))


def compare(old: Sequence[Step], new: Sequence[Step]) -> tuple[Prediction, ...]:
    """The same for steps that are already made."""
    held = {step.key for step in old}
    pairs = counterparts(old, new)
    found: dict[str, Prediction] = {}
    for step in new:
        if step.key in found:
            found[step.key] = replace(found[step.key], labels=(*found[step.key].labels, step.label))
        elif step.key in held:
            found[step.key] = Prediction(step=step, labels=(step.label,), is_hit=True)
        else:
            found[step.key] = _miss(step, pairs.get(step), found, held)
    return tuple(found.values())


def _miss(step: Step, earlier: Step | None, found: Mapping[str, Prediction], held: set[str]) -> Prediction:
    def because(cause: Cause, reason: str, root: str = "") -> Prediction:
        return Prediction(step=step, labels=(step.label,), is_hit=False, cause=cause, reason=reason, root=root)

    own = differences(earlier, step) if earlier is not None else ()
    if own:
        return because(own[0].cause, "; ".join(difference.text for difference in own))
    for above in (step.parent, *(upstream.step for upstream in step.upstream)):
        if above is not None and above.key not in held:
            root = found[above.key].root or found[above.key].step.label
            return because(Cause.PARENT, f"follows {root}", root)
    if earlier is None:
        return because(Cause.NEW, "a new step")
    return because(Cause.NEW, "it follows another step than before")
