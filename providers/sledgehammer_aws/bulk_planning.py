"""Plans over many projects of an account, which share a reader."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sledgehammer.errors import SledgehammerError
from sledgehammer.fleet import attempt, workers
from sledgehammer.ports import PlanOrError
from sledgehammer_aws.account import read_account
from sledgehammer_aws.bulk_reader import BulkReader
from sledgehammer_aws.client import Calls
from sledgehammer_aws.connection import AwsConnection


def plan_in_bulk(connections: Iterable[AwsConnection]) -> Sequence[PlanOrError]:
    """A plan for each, in their order. Those of one region share their lists."""
    everything = list(connections)
    by_region: dict[str, list[AwsConnection]] = defaultdict(list)
    for one in everything:
        by_region[one.clients.region].append(one)
    readers = {region: _reader(members) for region, members in by_region.items()}

    def plan(one: AwsConnection) -> PlanOrError:
        reader = readers[one.clients.region]
        return reader if isinstance(reader, SledgehammerError) else attempt(replace(one, reader=reader).plan)

    with workers() as planners:
        return list(planners.map(plan, everything))


def _reader(connections: Sequence[AwsConnection]) -> BulkReader | SledgehammerError:
    clients, calls = connections[0].clients, Calls(clock=connections[0].clock)
    account = attempt(lambda: read_account(clients, calls))
    if isinstance(account, SledgehammerError):
        return account
    projects = [
        name
        for one in connections
        for name in (one.settings.project or one.project.name, *one.settings.former_projects)
    ]
    return BulkReader(clients=clients, calls=calls, account=account, projects=projects)
