"""`auto`: the strategy that can hit here and promises most, and why."""

from collections.abc import Mapping

from sledgehammer.strategy import CacheStrategy, Choice, Situation

AUTO = "auto"
MUCH_LESS = 0.8
"""Of the seconds that the choice by facts is expected to take: what another strategy has to stay below to be taken in
its place, so that the choice does not change with every build."""


def choose(situation: Situation, strategies: Mapping[str, CacheStrategy]) -> Choice:
    """By what the Dockerfile has to cache and what the builder can do, then by what earlier builds let expect."""
    by_facts = _choose_by_facts(situation, strategies)
    expected = situation.expectations
    able = [name for name in expected if name in strategies and strategies[name].refusal(situation) == ""]
    if by_facts.strategy.name not in expected or not able:
        return by_facts
    best = min(able, key=lambda name: expected[name])
    if expected[best] >= MUCH_LESS * expected[by_facts.strategy.name]:
        return by_facts
    reason = f"for after its last builds it is expected to be quicker than {by_facts.strategy.name} (sledge strategies)"
    return Choice(strategy=strategies[best], reason=reason)


def _choose_by_facts(situation: Situation, strategies: Mapping[str, CacheStrategy]) -> Choice:
    if not any(instruction.keyword == "RUN" for stage in situation.stages for instruction in stage.instructions):
        return Choice(strategy=strategies["none"], reason="for no step runs a program: copying costs less than a cache")
    registry = strategies["registry"]
    reason = registry.refusal(situation)
    if reason == "":
        return Choice(strategy=registry, reason="for it keeps the layers of all stages and pulls what it needs")
    return Choice(strategy=strategies["per-stage"], reason=f"for {reason}")
