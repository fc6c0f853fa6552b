"""`auto`: the strategy that can hit here and promises most, and why."""

from collections.abc import Mapping

from sledgehammer.strategy import CacheStrategy, Choice, Situation

AUTO = "auto"


def choose(situation: Situation, strategies: Mapping[str, CacheStrategy]) -> Choice:
    """By what the Dockerfile has to cache and what the builder can do."""
    if not any(instruction.keyword == "RUN" for stage in situation.stages for instruction in stage.instructions):
        return Choice(strategy=strategies["none"], reason="for no step runs a program: copying costs less than a cache")
    registry = strategies["registry"]
    reason = registry.refusal(situation)
    if reason == "":
        return Choice(strategy=registry, reason="for it keeps the layers of all stages and pulls what it needs")
    return Choice(strategy=strategies["per-stage"], reason=f"for {reason}")
