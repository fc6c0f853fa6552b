"""Many sets in one account: a small CodeBuild project, its role, log and source, an image and its cache in ECR."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.changes import ChangeSet
from sledgehammer.process import Command, run_checked
from sledgehammer_aws.connection import AwsConnection
from sledgehammer_bench.provisioning.gitlab_fleet import IDENTITY, PROCESSES
from sledgehammer_bench.provisioning.plan_sets import open_sets, plan_sets
from sledgehammer_bench.provisioning.server import Server

KEYS = {"AWS_ACCESS_KEY_ID": "AKIABENCHMARK", "AWS_SECRET_ACCESS_KEY": "benchmark"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsFleet:
    """One connection for each set, all of the checkout in `folder`, and how many are worked on at once."""

    server: Server
    folder: Path
    connections: Sequence[AwsConnection]
    threads: int

    def apply(self) -> None:
        """Make everything: the first set makes the bucket."""
        first, *others = self.connections
        _apply(first)
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(_apply, others))

    def plan(self) -> Sequence[ChangeSet]:
        """Plan for all, with one reader that they share."""
        return plan_sets(self.connections, threads=self.threads)


def _apply(connection: AwsConnection) -> None:
    connection.apply(on_change=lambda change: None)


def aws_environment(server: Server) -> Mapping[str, str]:
    """Where the AWS is, and keys for it."""
    return {"AWS_ENDPOINT_URL": server.url, **KEYS}


def make_aws_fleet(server: Server, folder: Path, *, sets: int, threads: int) -> AwsFleet:
    """Their connections, all of one checkout with one commit; nothing is on the server yet."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for argv in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "first")):
        run_checked(PROCESSES, Command(argv=("git", *argv), cwd=folder, env=IDENTITY))
    connections = list(open_sets(folder, aws_environment(server), sets=sets))
    return AwsFleet(server=server, folder=folder, connections=connections, threads=threads)
