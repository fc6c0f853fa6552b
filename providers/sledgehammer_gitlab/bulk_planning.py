"""Plans over many projects of a group, made while others are still being read and opened."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sledgehammer.changes import ChangeSet
from sledgehammer.polling import Clock
from sledgehammer.retry import RetryPolicy
from sledgehammer_gitlab.bulk_reading import AT_ONCE, BulkReader, batches
from sledgehammer_gitlab.connection import GitLabConnection
from sledgehammer_gitlab.listing import list_projects


def plan_in_bulk(
    group: str,
    connections: Iterable[GitLabConnection],
    variables: Mapping[str, str],
    *,
    threads: int = 16,
    url: str = "",
    clock: Clock,
    policy: RetryPolicy,
) -> Sequence[ChangeSet]:
    """A plan for each, in their order, that many at once. The connections may come while the group is listed, and be
    planned while others come: an iterator does, such as `Executor.map` gives.

    `variables` stand for this process's environment. Raises what opening a connection does, and what `plan` does.
    """
    known = list_projects(group, variables, url=url, clock=clock, policy=policy)
    reader = BulkReader(known, variables, url=url, clock=clock, policy=policy)
    with ThreadPoolExecutor(threads) as planners, ThreadPoolExecutor(AT_ONCE) as readers:

        def start(batch: Sequence[tuple[int, GitLabConnection]]) -> Mapping[int, Future[ChangeSet]]:
            read = reader.read(connection.target for _, connection in batch)
            return {number: planners.submit(connection.plan_knowing, read) for number, connection in batch}

        coming = batches(enumerate(connections), branch_of=lambda numbered: numbered[1].target.branch)
        started = [readers.submit(start, batch) for batch in coming]
        plans = {number: plan for batch in started for number, plan in batch.result().items()}
        reader.report()
        return [plans[number].result() for number in range(len(plans))]
