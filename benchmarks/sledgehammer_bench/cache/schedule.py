"""What is built in which order, and what is left out when time runs out: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sledgehammer_bench.cache.examples import Example
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.cache.variants import ARTICLE, PLAIN, Variant

REPETITIONS = 3
_OVERHEAD_S = 8.0  # a fresh engine for every run, and its end
_SHARE = {
    Scenario.COLD: 1.0,
    Scenario.NOTHING: 0.05,
    Scenario.REBUILD: 0.3,
    Scenario.SOURCE: 0.3,
    Scenario.DEPENDENCY: 1.0,
}
"""About how much of a cold build's time each scenario takes where there is a cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run. Steps of the same example, variant and repetition share a working copy and a registry repository."""

    example: Example
    variant: Variant
    scenario: Scenario
    repetition: int

    @property
    def key(self) -> tuple[str, str, Scenario]:
        """What repetitions have in common."""
        return (self.example.name, self.variant.name, self.scenario)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps that stand side by side: all of it is run, or none. Scenario by scenario, so that two variants meet the
    same scenario within minutes."""

    name: str
    steps: tuple[Step, ...]


def quick_blocks(examples: Sequence[Example], variants: Sequence[Variant]) -> tuple[Block, ...]:
    """Once, and only what the goals need; where time runs out, the article as written goes first: it caches least."""
    judged = [variant for variant in variants if variant.is_judged and variant.name != ARTICLE]
    article = [variant for variant in variants if variant.name == ARTICLE]
    chosen = [example for example in examples if example.in_quick]
    groups = [(judged, "what the goals need"), (article, "the article's script as written")]
    return tuple(
        _block(example, group, 1, name=name, goals_only=True) for example in chosen for group, name in groups if group
    )


def full_blocks(examples: Sequence[Example], variants: Sequence[Variant]) -> tuple[Block, ...]:
    """First everything that a goal judges, then the rest, then the repetitions of what is judged."""
    judged = [variant for variant in variants if variant.is_judged]
    others = [variant for variant in variants if not variant.is_judged]
    first = [_block(example, judged, 1, name="what the goals need") for example in examples]
    rest = [_block(example, others, 1, name="the other variants") for example in examples] if others else []
    again = [
        _block(example, judged, repetition, name=f"repetition {repetition} of what the goals need", goals_only=True)
        for repetition in range(2, REPETITIONS + 1)
        for example in examples
    ]
    return (*first, *rest, *again)


def left_out_by_quick(examples: Sequence[Example], variants: Sequence[Variant]) -> list[str]:
    """What `--quick` never runs, in words."""
    names = [example.name for example in examples if not example.in_quick]
    names += [variant.name for variant in variants if not variant.is_judged]
    scenarios = f"{Scenario.REBUILD.value}, {Scenario.DEPENDENCY.value}"
    scenarios += f", and {Scenario.NOTHING.value} of what keeps no cache of ours"
    return [f"--quick: repetitions 2 and 3; {scenarios}", *(f"--quick: {name}" for name in names)]


def estimate_s(block: Block, seen: Mapping[tuple[str, str, Scenario], float]) -> float:
    """About how long it will take; `seen` are seconds of earlier runs."""
    return sum(seen.get(step.key, _guess_s(step)) + _OVERHEAD_S for step in block.steps)


def _guess_s(step: Step) -> float:
    has_cache = not step.variant.is_naive and step.variant.strategy != PLAIN
    return step.example.guess_s * (_SHARE[step.scenario] if has_cache else 1.0)


def fits(block: Block, seen: Mapping[tuple[str, str, Scenario], float], *, elapsed_s: float, budget_s: float) -> bool:
    """Whether it can be expected to end within the budget; the very first block always does."""
    return not seen or elapsed_s + estimate_s(block, seen) <= budget_s


def _block(
    example: Example, variants: Sequence[Variant], repetition: int, *, name: str, goals_only: bool = False
) -> Block:
    steps = tuple(
        Step(example=example, variant=variant, scenario=scenario, repetition=repetition)
        for scenario in Scenario
        for variant in variants
        if scenario in (_needed(variant) if goals_only else _possible(variant))
    )
    return Block(name=f"{example.name}: {name}", steps=steps)


def _possible(variant: Variant) -> tuple[Scenario, ...]:
    """All but a rebuild of what never skips one."""
    return tuple(scenario for scenario in Scenario if scenario is not Scenario.REBUILD or variant.keeps_cache)


def _needed(variant: Variant) -> tuple[Scenario, ...]:
    """The scenarios of a variant that goals read."""
    if variant.strategy == PLAIN:
        return (Scenario.COLD,)
    if variant.baseline:
        return (Scenario.COLD, Scenario.SOURCE)
    return (Scenario.COLD, Scenario.NOTHING, Scenario.SOURCE)
