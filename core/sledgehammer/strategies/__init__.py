"""Cache strategies by name: each turns a plain Build into the operations that make its cache hit."""

import difflib
from collections.abc import Mapping

from sledgehammer.errors import ConfigurationError
from sledgehammer.plan import CacheStrategy
from sledgehammer.strategies.none import plan_none
from sledgehammer.strategies.registry import plan_registry

STRATEGIES: Mapping[str, CacheStrategy] = {"none": plan_none, "registry": plan_registry}


def find_strategy(name: str) -> CacheStrategy:
    """The strategy of that name. Raises ConfigurationError with the nearest one."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    near = difflib.get_close_matches(name, STRATEGIES, n=1)
    known = ", ".join(sorted(STRATEGIES))
    guess = f'; did you mean "{near[0]}"?' if near else ""
    raise ConfigurationError(f'unknown cache strategy "{name}"{guess}', hint=f"known strategies: {known}")
