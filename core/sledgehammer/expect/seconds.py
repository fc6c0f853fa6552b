"""What each strategy may be expected to take of a next build: its steps, and what its cache costs.

All that is the same whatever the strategy, such as pulling bases and pushing the image, is left out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sledgehammer.expect.history import History, StepHistory

BUILDER_IMAGE_BYTES = 100_000_000
"""About what moby/buildkit has to travel before a BuildKit of one's own starts."""
BUILDER_START_S = 3.0
"""From there until it takes a build (measured on two cores)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The way to the registry. `is_measured` False: a guess stands for it."""

    bytes_per_s: float
    is_measured: bool = True


GUESSED_LINK = Link(bytes_per_s=25_000_000, is_measured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Seconds that a build is expected to take by a strategy, and what they consist of, as a person reads it."""

    strategy: str
    seconds: float
    made_of: str


def expected_seconds(
    history: History, *, link: Link, cache_bytes: int, strategies: Collection[str], needs_builder: Collection[str] = ()
) -> tuple[Expectation, ...]:
    """For those of the strategies that can be reckoned, the quickest first; of equals the one named first. One by which
    a step would run that was cached in all of these builds cannot: what it would take is not known.

    `cache_bytes` is the size of all cached layers. `needs_builder`: strategies that start a BuildKit of their own.
    """
    transfer_s = cache_bytes / link.bytes_per_s
    start_s = BUILDER_IMAGE_BYTES / link.bytes_per_s + BUILDER_START_S
    export = ("export", transfer_s * _changed_part(history))
    partly = sum(_step_s(step, step.change_share) for step in history.steps)
    costs: Mapping[str, tuple[tuple[str, float], ...]] = {
        "registry": (("steps", partly), export),
        "s3": (("steps", partly), export),
        "per-stage": (("steps", partly), export),
        "file": (("steps", partly), ("the cache's way here and back", 2 * transfer_s)),
    }
    if history.run_s is not None:
        costs = {**costs, "inline": (("steps", _final_stage_s(history)), export), "none": (("steps", history.run_s),)}
    found = []
    for name in strategies:
        if name in costs:
            parts = (*costs[name], *((("a builder's start", start_s),) if name in needs_builder else ()))
            words = ", ".join(f"{what} {seconds:.1f}" for what, seconds in parts)
            found.append(Expectation(strategy=name, seconds=sum(seconds for _, seconds in parts), made_of=words))
    return tuple(sorted(found, key=lambda one: one.seconds))


def _step_s(step: StepHistory, run_share: float) -> float:
    """A step that runs in that share of builds and is cached in the others."""
    run_s = step.cached_s if step.run_s is None else step.run_s
    return run_share * run_s + (1 - run_share) * step.cached_s


def _final_stage_s(history: History) -> float:
    """What only the image itself carries: another stage's steps run unless nothing at all has changed."""
    return sum(
        _step_s(step, step.change_share if step.is_final else 1 - history.unchanged_share) for step in history.steps
    )


def _changed_part(history: History) -> float:
    """Of all layers the part that is written anew, taking a step's layer to be as large as the step is long, or as its
    layer took to be fetched."""
    lengths = [(step, step.cached_s if step.run_s is None else step.run_s) for step in history.steps]
    whole_s = sum(length_s for _, length_s in lengths)
    return sum(step.change_share * length_s for step, length_s in lengths) / whole_s if whole_s else 0.0
