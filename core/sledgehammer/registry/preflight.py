"""Five seconds in which a tiny cache is pushed, read, overwritten and removed again, to know what a registry takes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sledgehammer.errors import ConfigurationError, SledgehammerError
from sledgehammer.polling import Clock, SystemClock
from sledgehammer.ports import Connection, RegistryOwner
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.failures import RegistryRefusedError
from sledgehammer.registry.findings import RegistryFacts
from sledgehammer.registry.manifests import delete_manifest
from sledgehammer.registry.probe import Probe
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.transport import Limits
from sledgehammer.retry import RetryPolicy

TOTAL_S = 5.0
CLEANUP_S = 1.0
"""The end of the total, kept for removing what was pushed."""

Remove = Callable[[Reference], None]

_POLICY = RetryPolicy(attempts=3, deadline_s=2.0, first_wait_s=0.2, longest_wait_s=1.0)


def preflight_caches(connection: Connection) -> tuple[RegistryFacts, ...]:
    """The facts of the cache repository of each image, in the project's order. Raises what finding the registry raises,
    and ConfigurationError for a provider without one."""
    if not isinstance(connection, RegistryOwner):
        raise ConfigurationError("this provider tells of no registry", hint="it can be built without a preflight")
    access = connection.registry()
    repositories = [each.cache for each in connection.image_repositories().values()]
    return preflight(access, repositories, remove=connection.remove_manifest)


def preflight(
    access: RegistryAccess, repositories: Sequence[Reference], *, remove: Remove, clock: Clock | None = None
) -> tuple[RegistryFacts, ...]:
    """The facts of each repository, all looked at side by side within five seconds. What goes wrong is a fact, not an
    error. `remove` takes back one manifest where the registry protocol does not serve."""
    time = clock or SystemClock()
    until = time.monotonic() + TOTAL_S

    def look_at(repository: Reference) -> RegistryFacts:
        with _open(access, until - CLEANUP_S, clock=time) as client:
            probe = Probe(client, repository, clock=time)
            facts = probe.run()
        with _open(access, until, clock=time) as client:
            return replace(facts, left_behind=_take_back(client, probe.pushed, remove))

    if not repositories:
        return ()
    with ThreadPoolExecutor(max_workers=len(repositories)) as pool:
        return tuple(pool.map(look_at, repositories))


def _open(access: RegistryAccess, until: float, *, clock: Clock) -> RegistryClient:
    return RegistryClient(access, clock=clock, policy=_POLICY, limits=Limits(connect_s=3.0, read_s=3.0, until=until))


def _take_back(client: RegistryClient, pushed: Sequence[Reference], remove: Remove) -> tuple[Reference, ...]:
    """By the registry's protocol, else by the provider's way; gives what is still there."""
    left = []
    for reference in pushed:
        try:
            try:
                delete_manifest(client, reference)
            except RegistryRefusedError:
                remove(reference)
        except SledgehammerError:
            left.append(reference)
    return tuple(left)
