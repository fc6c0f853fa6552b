"""One plan over many sets of an account, as docs/provisioning-aws.md shows it; as a program, in a process of its own:
`python -m sledgehammer_bench.provisioning.plan_sets --sets N --threads N FOLDER`."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sledgehammer.changes import ChangeSet
from sledgehammer.checkout import read_checkout
from sledgehammer.polling import SystemClock
from sledgehammer.process import LocalProcessRunner
from sledgehammer.project import Image, Project
from sledgehammer.session import render_ci_file
from sledgehammer_aws.account import read_account
from sledgehammer_aws.bulk_reader import BulkReader
from sledgehammer_aws.client import Calls, open_clients
from sledgehammer_aws.connection import AwsConnection
from sledgehammer_aws.provider import PROVIDER
from sledgehammer_aws.settings import Settings

REGION = "eu-central-1"


def open_sets(folder: Path, variables: Mapping[str, str], *, sets: int) -> Iterator[AwsConnection]:
    """Their connections, all of one checkout."""
    processes, settings = LocalProcessRunner(), Settings(region=REGION)
    clients, checkout = open_clients(variables, region=REGION), read_checkout(folder, runner=processes)
    for number in range(sets):
        name = f"set-{number:04}"
        project = Project(name=name, images=(Image(name=name),), root=folder, providers={PROVIDER.name: settings})
        yield AwsConnection(
            project=project,
            settings=settings,
            buildspec=render_ci_file(project, PROVIDER).text,
            checkout=checkout,
            processes=processes,
            clients=clients,
            clock=SystemClock(),
        )


def plan_sets(connections: Sequence[AwsConnection], *, threads: int) -> Sequence[ChangeSet]:
    """With one reader that they share, as one command over many projects does."""
    clients, calls = connections[0].clients, Calls(clock=SystemClock())
    reader = BulkReader(
        clients=clients,
        calls=calls,
        account=read_account(clients, calls),
        projects=[connection.project.name for connection in connections],
    )
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda connection: replace(connection, reader=reader).plan(), connections))


def main(argv: Sequence[str]) -> int:
    """AWS_ENDPOINT_URL and the keys say where. Prints how many changes were found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args(argv)
    connections = list(open_sets(arguments.folder, os.environ, sets=arguments.sets))
    plans = plan_sets(connections, threads=arguments.threads)
    print(json.dumps({"pending": sum(len(plan.pending) for plan in plans)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
