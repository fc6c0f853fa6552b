"""`none`: every build starts cold."""

from sledgehammer.operations import Operation
from sledgehammer.strategy import CacheStrategy, Situation


def plan(situation: Situation) -> tuple[Operation, ...]:
    """The build as it is."""
    return (*situation.builder(must_export=False), situation.build)


NONE = CacheStrategy(name="none", summary="every build starts cold", refusal=lambda situation: "", plan=plan)
