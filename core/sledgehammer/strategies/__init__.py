"""Cache strategies by name, and which one plans a build."""

import difflib
from collections.abc import Mapping

from sledgehammer.errors import ConfigurationError
from sledgehammer.strategies.auto import AUTO, choose
from sledgehammer.strategies.engine_cache import CODEBUILD_DOCKER_SERVER, CODEBUILD_LOCAL
from sledgehammer.strategies.file import FILE
from sledgehammer.strategies.inline import INLINE
from sledgehammer.strategies.none import NONE
from sledgehammer.strategies.per_stage import PER_STAGE
from sledgehammer.strategies.registry import REGISTRY
from sledgehammer.strategies.s3 import S3
from sledgehammer.strategy import CacheStrategy, Choice, Situation

STRATEGIES: Mapping[str, CacheStrategy] = {
    strategy.name: strategy
    for strategy in (REGISTRY, PER_STAGE, INLINE, FILE, S3, CODEBUILD_LOCAL, CODEBUILD_DOCKER_SERVER, NONE)
}
"""In the order in which one is offered for another that cannot hit."""

STRATEGY_NAMES = (AUTO, *STRATEGIES)


def choose_strategy(situation: Situation) -> Choice:
    """The project's strategy. Raises ConfigurationError for one that is unknown, with the nearest name, or that cannot
    hit here, with the reason and the nearest that can."""
    name = situation.settings.strategy
    if name == AUTO:
        return choose(situation, STRATEGIES)
    if name not in STRATEGIES:
        near = difflib.get_close_matches(name, STRATEGY_NAMES, n=1)
        guess = f'; did you mean "{near[0]}"?' if near else ""
        raise ConfigurationError(
            f'unknown cache strategy "{name}"{guess}', hint=f"known strategies: {', '.join(STRATEGY_NAMES)}"
        )
    reason = STRATEGIES[name].refusal(situation)
    if reason:
        other = next(strategy for strategy in STRATEGIES.values() if strategy.refusal(situation) == "")
        raise ConfigurationError(
            f"image {situation.image.name}: cache strategy {name} cannot hit: {reason}",
            hint=f"the nearest that can is cache: {{strategy: {other.name}}}; or leave the choice to auto",
        )
    return Choice(strategy=STRATEGIES[name], reason="as sledge.yaml says")
