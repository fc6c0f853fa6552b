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
from sledgehammer.fleet import plan_all
from sledgehammer.polling import SystemClock
from sledgehammer.ports import PlanOrError
from sledgehammer.retry import RetryPolicy
from sledgehammer.session import open_session
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
    """As `sledge plan --all` does where `is_in_bulk`; else with one list of the projects, by REST alone."""
    if is_in_bulk:
        return [_changes(one.outcome) for one in plan_all(folders, "gitlab", variables=variables)]
    with ThreadPoolExecutor(os.cpu_count()) as openers, ThreadPoolExecutor(threads) as planners:
        opened = openers.map(lambda folder: open_project(folder, variables), folders)
        known = list_projects(GROUP, variables, clock=SystemClock(), policy=RetryPolicy())
        return list(planners.map(lambda connection: connection.plan_knowing(known), opened))


def _changes(outcome: PlanOrError) -> ChangeSet:
    if not isinstance(outcome, ChangeSet):
        raise outcome
    return outcome


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
