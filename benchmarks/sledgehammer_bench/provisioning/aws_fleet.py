"""Many sets in one account: a small CodeBuild project, its role, log and source, an image and its cache in ECR."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from sledgehammer.changes import ChangeSet
from sledgehammer.checkout import read_checkout
from sledgehammer.polling import SystemClock
from sledgehammer.process import Command, run_checked
from sledgehammer.project import Image, Project
from sledgehammer.session import render_ci_file
from sledgehammer_aws.account import read_account
from sledgehammer_aws.bulk_reader import BulkReader
from sledgehammer_aws.client import Calls, open_clients
from sledgehammer_aws.connection import AwsConnection
from sledgehammer_aws.provider import PROVIDER
from sledgehammer_aws.settings import Settings
from sledgehammer_bench.provisioning.aws_server import REGION
from sledgehammer_bench.provisioning.gitlab_fleet import IDENTITY, PROCESSES
from sledgehammer_bench.provisioning.server import Server

KEYS = {"AWS_ACCESS_KEY_ID": "AKIABENCHMARK", "AWS_SECRET_ACCESS_KEY": "benchmark"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsFleet:
    """One connection for each set, and how many are worked on at once."""

    server: Server
    connections: Sequence[AwsConnection]
    threads: int

    def apply(self) -> None:
        """Make everything, one after the other: moto, behind the local AWS, does not bear a list beside a write."""
        for connection in self.connections:
            connection.apply(on_change=lambda change: None)

    def plan(self) -> Sequence[ChangeSet]:
        """Plan for all, with one reader that they share, as one command over many projects does."""
        clients, calls = self.connections[0].clients, Calls(clock=SystemClock())
        reader = BulkReader(
            clients=clients,
            calls=calls,
            account=read_account(clients, calls),
            projects=[connection.project.name for connection in self.connections],
        )
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda connection: replace(connection, reader=reader).plan(), self.connections))


def make_aws_fleet(server: Server, folder: Path, *, sets: int, threads: int) -> AwsFleet:
    """Their connections, all of one checkout with one commit; nothing is on the server yet."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for argv in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "first")):
        run_checked(PROCESSES, Command(argv=("git", *argv), cwd=folder, env=IDENTITY))
    names = (f"set-{number:04}" for number in range(sets))
    return AwsFleet(server=server, connections=list(_connections(server, folder, names)), threads=threads)


def _connections(server: Server, folder: Path, names: Iterable[str]) -> Iterable[AwsConnection]:
    settings = Settings(region=REGION)
    clients = open_clients({"AWS_ENDPOINT_URL": server.url, **KEYS}, region=REGION)
    checkout = read_checkout(folder, runner=PROCESSES)
    for name in names:
        project = Project(name=name, images=(Image(name=name),), root=folder, providers={PROVIDER.name: settings})
        yield AwsConnection(
            project=project,
            settings=settings,
            buildspec=render_ci_file(project, PROVIDER).text,
            checkout=checkout,
            processes=PROCESSES,
            clients=clients,
            clock=SystemClock(),
        )
