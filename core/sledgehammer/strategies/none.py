"""`none`: every build starts cold."""

from sledgehammer.dockerfile.graph import StageGraph
from sledgehammer.facts import EngineFacts
from sledgehammer.operations import Build, Operation
from sledgehammer.plan import Destination


def plan_none(build: Build, graph: StageGraph, facts: EngineFacts, destination: Destination) -> tuple[Operation, ...]:
    """The build as it is."""
    return (build,)
