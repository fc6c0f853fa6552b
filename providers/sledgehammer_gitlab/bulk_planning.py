"""Plans over many projects, made while others are still being read and opened."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from sledgehammer.errors import SledgehammerError, TimedOutError, UnreachableError
from sledgehammer.fleet import attempt, workers
from sledgehammer.polling import Clock
from sledgehammer.ports import PlanOrError
from sledgehammer_gitlab.bulk_reading import AT_ONCE, BulkReader, Target, batches
from sledgehammer_gitlab.connection import POLICY, GitLabConnection
from sledgehammer_gitlab.failures import WrongTokenError
from sledgehammer_gitlab.listing import list_projects
from sledgehammer_gitlab.reading import KnownProject

log = logging.getLogger(__name__)

PLANNED_AT_ONCE = 16
"""Plans; what they read of GitLab they wait for."""

Numbered = tuple[int, GitLabConnection]

KnownOrError = Mapping[str, KnownProject] | SledgehammerError
"""What is known of a batch of projects, or the error that all of them have."""


def plan_in_bulk(
    connections: Iterable[GitLabConnection], variables: Mapping[str, str], *, clock: Clock
) -> Sequence[PlanOrError]:
    """A plan for each, in their order. The connections may come while groups are listed, and be planned while others
    come: an iterator does, such as `Executor.map` gives. `variables` stand for this process's environment.

    A token that GitLab does not take is tried once for each group, not for each project; so is a GitLab that gives no
    answer, of which the groups after that are not asked for either.
    """
    servers: dict[str, _Server] = {}
    with workers(PLANNED_AT_ONCE) as planners, workers(AT_ONCE) as readers, workers(AT_ONCE) as listers:

        def coming() -> Iterator[Numbered]:
            for number, connection in enumerate(connections):
                url = connection.target.settings.url
                if url not in servers:
                    servers[url] = _Server(url, variables, clock=clock, listers=listers)
                servers[url].list(connection.target.namespace)
                yield number, connection

        def start(batch: Sequence[Numbered]) -> Mapping[int, Future[PlanOrError]]:
            targets = [connection.target for _, connection in batch]
            known = servers[targets[0].settings.url].read(targets)
            return {number: planners.submit(_plan, connection, known) for number, connection in batch}

        started = [readers.submit(start, batch) for batch in batches(coming(), target_of=lambda one: one[1].target)]
        plans = {number: plan for batch in started for number, plan in batch.result().items()}
        for server in servers.values():
            server.reader.report()
        return [plans[number].result() for number in range(len(plans))]


class _Server:
    """One GitLab: the lists of its groups' projects, each begun when the first project of it has come."""

    def __init__(self, url: str, variables: Mapping[str, str], *, clock: Clock, listers: ThreadPoolExecutor) -> None:
        self.reader = BulkReader(variables, url=url, clock=clock, policy=POLICY)
        # a group above all others may hold many more projects than anybody asked for
        self._list = partial(
            list_projects, variables=variables, with_subgroups=False, url=url, clock=clock, policy=POLICY
        )
        self._listers = listers
        self._silence: SledgehammerError | None = None
        self._lists: dict[str, Future[Mapping[str, KnownProject]]] = {}

    def list(self, namespace: str) -> None:
        """Begin the list of a group, unless it is on its way."""
        if namespace not in self._lists:
            self._lists[namespace] = self._listers.submit(self._list_unless_silent, namespace)

    def read(self, targets: Sequence[Target]) -> KnownOrError:
        """What is known of a batch. What cannot be listed, such as a person's projects, is left to the plans."""
        known: dict[str, KnownProject] = {}
        for namespace in sorted({target.namespace for target in targets}):
            try:
                known |= self._lists[namespace].result()
            except (WrongTokenError, UnreachableError, TimedOutError) as error:
                return error
            except SledgehammerError as error:
                log.debug("GitLab's projects of %s are read one by one: %s", namespace, error.message)
        return self.reader.read(known, targets)

    def _list_unless_silent(self, namespace: str) -> Mapping[str, KnownProject]:
        """A GitLab that gave no answer, after all tries, is not waited for anew."""
        if self._silence is not None:
            raise self._silence
        try:
            return self._list(namespace)
        except (UnreachableError, TimedOutError) as error:
            self._silence = self._silence or error
            raise self._silence from error


def _plan(connection: GitLabConnection, known: KnownOrError) -> PlanOrError:
    return known if isinstance(known, SledgehammerError) else attempt(lambda: connection.plan_knowing(known))
