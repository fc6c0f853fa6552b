"""One plan over many projects of a group, as docs/provisioning.md shows it; as a program, in a process of its own:
`python -m sledgehammer_bench.provisioning.plan_projects [--bulk] --threads N FOLDER...`."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sledgehammer.changes import ChangeSet
from sledgehammer.polling import SystemClock
from sledgehammer.retry import RetryPolicy
from sledgehammer.session import open_session
from sledgehammer_gitlab.bulk_planning import plan_in_bulk
from sledgehammer_gitlab.connection import GitLabConnection
from sledgehammer_gitlab.listing import list_projects

GROUP = "fleet"


def open_project(folder: Path, variables: Mapping[str, str]) -> GitLabConnection:
    """The project as its sledge.yaml has it."""
    connection = open_session(folder, "gitlab", variables=variables).connection
    assert isinstance(connection, GitLabConnection)  # noqa: S101 - of that provider
    return connection


def plan_projects(
    folders: Sequence[Path], variables: Mapping[str, str], *, is_in_bulk: bool, threads: int
) -> Sequence[ChangeSet]:
    """With one list of the projects, read while they are opened, and by GraphQL what it tells where `is_in_bulk`."""
    clock, policy = SystemClock(), RetryPolicy()
    with ThreadPoolExecutor(os.cpu_count()) as openers:
        opened = openers.map(lambda folder: open_project(folder, variables), folders)
        if is_in_bulk:
            return plan_in_bulk(GROUP, opened, variables, threads=threads, clock=clock, policy=policy)
        known = list_projects(GROUP, variables, clock=clock, policy=policy)
        with ThreadPoolExecutor(threads) as planners:
            return list(planners.map(lambda connection: connection.plan_knowing(known), opened))


def main(argv: Sequence[str]) -> int:
    """GITLAB_URL and GITLAB_TOKEN say where. Prints how many changes were found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bulk", action="store_true")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args(argv)
    plans = plan_projects(arguments.folders, os.environ, is_in_bulk=arguments.bulk, threads=arguments.threads)
    print(json.dumps({"pending": sum(len(plan.pending) for plan in plans)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
