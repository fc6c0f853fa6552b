"""`registry`: BuildKit's registry cache with every stage in it (`mode=max`).

One cache ref per image and branch, in a repository of its own: a branch reads its own ref, then the default
branch's, and writes only its own, so that two branches never overwrite each other.
"""

from dataclasses import replace

from sledgehammer.dockerfile.graph import StageGraph
from sledgehammer.errors import ConfigurationError
from sledgehammer.facts import EngineFacts
from sledgehammer.operations import Build, CacheSource, CacheTarget, Operation, SelectBuilder, text
from sledgehammer.plan import Destination

OLDEST_ENGINE = (23, 0)
"""From here on `docker build` is BuildKit and the docker:<v>-cli image brings buildx."""


def plan_registry(
    build: Build, graph: StageGraph, facts: EngineFacts, destination: Destination
) -> tuple[Operation, ...]:
    """Read the branch's and the default branch's cache, write the branch's; a failed export fails no build."""
    if facts.version < OLDEST_ENGINE:
        have = ".".join(str(part) for part in facts.version)
        raise ConfigurationError(
            f"cache strategy registry cannot hit on Docker {have}: its builder cannot export a registry cache",
            hint='set docker: "23.0" or newer in sledge.yaml, or cache: {strategy: none}',
        )
    cache = destination.repositories[build.image].cache
    own, fallback = (text(*cache, ":", *branch) for branch in (destination.branch, destination.default_branch))
    options = (("mode", "max"), *destination.cache_options, ("ignore-error", "true"))
    cached = replace(
        build,
        cache_from=(CacheSource(ref=own), CacheSource(ref=fallback)),
        cache_to=(CacheTarget(ref=own, options=options),),
    )
    return (SelectBuilder(), cached)
