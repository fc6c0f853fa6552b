"""A checkout and a local AWS, for the contract tests of the AWS provider."""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from oci_storage import MemoryStorage

from sledgehammer.changes import Action, Change, ChangeSet
from sledgehammer.checkout import read_checkout
from sledgehammer.ports import CiFile, Connection, Environment
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer.project import CacheSettings, Image, Project
from sledgehammer_aws.client import Clients, open_clients
from sledgehammer_aws.connection import AwsConnection
from sledgehammer_aws.provider import PROVIDER
from sledgehammer_aws.render import BUILDSPEC as BUILDSPEC_PATH
from sledgehammer_aws.settings import Settings
from sledgehammer_localstack.aws.endpoint import AwsEndpoint
from sledgehammer_localstack.aws.http_server import HttpServer
from sledgehammer_localstack.aws.settings import AwsSettings

REGION = "eu-central-1"
ACCOUNT = "123456789012"
PROCESSES = LocalProcessRunner()
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAREHEARSAL", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
_NUMBERS = itertools.count(1)
PLAIN = Settings(region=REGION)
BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo built{uses}\n"
READS = ("Get", "Head", "List", "Describe", "BatchGet")
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


class BriskClock:
    """Real time, in which nobody sleeps longer than `longest_s`; `slept` are the seconds that were asked for."""

    def __init__(self, *, longest_s: float = 0.02) -> None:
        self._longest_s = longest_s
        self.slept: list[float] = []
        self._never = threading.Event()

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._never.wait(min(seconds, self._longest_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAws:
    """An AWS endpoint and the provider's clients of it; `sent` are the operations that those have sent."""

    url: str
    clients: Clients
    sent: list[str]


@dataclass(kw_only=True)
class Rehearsal:
    """One project's checkout and the AWS it goes to."""

    aws: LocalAws
    work: Path
    name: str
    settings: Settings = PLAIN
    given_buildspec: str = ""
    images: tuple[str, ...] = ()
    strategy: str = "auto"
    variables: Mapping[str, str] = field(default_factory=dict)
    clock: BriskClock = field(default_factory=BriskClock)

    @property
    def url(self) -> str:
        return self.aws.url

    @property
    def buildspec(self) -> str:
        """One that speaks of everything that a real one uses, unless a test has its own."""
        used = ["ecr get-login-password"]
        used += [f'"${{SLEDGE_REGISTRY}}"/{one}' for one in self.repositories]
        return self.given_buildspec or BUILDSPEC.format(uses="".join(f" {one}" for one in used))

    @buildspec.setter
    def buildspec(self, text: str) -> None:
        self.given_buildspec = text

    @property
    def repositories(self) -> list[str]:
        names = [one if one == self.name else f"{self.name}/{one}" for one in self.images or (self.name,)]
        return [f"{name}{end}" for name in names for end in ("", "-cache")]

    @property
    def sent(self) -> list[str]:
        return self.aws.sent

    def git(self, *argv: str) -> str:
        return run_checked(PROCESSES, Command(argv=("git", *argv), cwd=self.work, env=IDENTITY)).text

    def commit(self, name: str, content: str = "x\n") -> str:
        """Commit one file; gives the commit."""
        (self.work / name).write_text(content)
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"change {name}")
        return self.git("rev-parse", "HEAD")

    def connect(self) -> AwsConnection:
        """As a new process would, with everything but the clients made anew."""
        return AwsConnection(
            project=self.project,
            settings=self.settings,
            buildspec=self.buildspec,
            checkout=read_checkout(self.work, runner=PROCESSES),
            processes=PROCESSES,
            clients=self.aws.clients,
            variables=self.variables,
            clock=self.clock,
        )

    def open(self, variables: Mapping[str, str]) -> Connection:
        """Through the provider's own door, with these environment variables."""
        environment = Environment(variables={"AWS_ENDPOINT_URL": self.url, **variables}, processes=PROCESSES)
        checkout = read_checkout(self.work, runner=PROCESSES)
        return PROVIDER.connect(self.project, CiFile(path=BUILDSPEC_PATH, text=self.buildspec), checkout, environment)

    @property
    def project(self) -> Project:
        images = tuple(Image(name=image) for image in self.images or (self.name,))
        cache = CacheSettings(strategy=self.strategy)
        return Project(name=self.name, images=images, root=self.work, cache=cache, providers={"aws": self.settings})

    def plan(self) -> ChangeSet:
        return self.connect().plan()

    def apply(self) -> list[Change]:
        """Gives what was told while it went on."""
        told: list[Change] = []
        self.connect().apply(on_change=told.append)
        return told

    def differences(self) -> list[tuple[Action, str, str]]:
        """A plan's pending changes: action, kind and attribute."""
        return [(change.action, change.kind, item.name) for change in self.plan().pending for item in change.attributes]

    @property
    def writes(self) -> list[str]:
        """The operations so far that may change something."""
        return [name for name in self.sent if not name.startswith(READS)]

    def client(self, service: str) -> Any:
        """A client of the test's own, as a person or another tool would use."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="AKIAPERSON",
            aws_secret_access_key="person",
            config=Config(s3={"addressing_style": "path"}),
        )

    @property
    def bucket(self) -> str:
        return self.settings.bucket

    def inject(self, *rules: Mapping[str, object]) -> None:
        """Load a fault script."""
        requests.post(f"{self.url}/-/faults", json={"rules": list(rules)}, timeout=10).raise_for_status()

    def injected(self) -> list[str]:
        """The operations, or method and path, of the requests that met a fault."""
        answer = requests.get(f"{self.url}/-/faults", timeout=10).json()
        return [one["operation"] or f"{one['method']} {one['path']}" for one in answer["injected"]]

    @property
    def role(self) -> str:
        return f"sledge-{self.name}-{REGION}"

    @property
    def log_group(self) -> str:
        return f"/aws/codebuild/{self.name}"


@contextmanager
def serve(*, ecr_storage_address: str = "", with_storage: bool = False) -> Iterator[LocalAws]:
    """An empty AWS; its registry works where it has a storage, which may be one in memory."""
    if with_storage:
        with HttpServer("127.0.0.1", 0, MemoryStorage()) as storage:
            with serve(ecr_storage_address=f"127.0.0.1:{storage.port}") as made:
                yield made
            return
    sent: list[str] = []

    def record(*, model: Any, **event: Any) -> None:
        sent.append(model.name)

    settings = AwsSettings(account=ACCOUNT, region=REGION, ecr_storage_address=ecr_storage_address)
    with AwsEndpoint(settings) as endpoint:
        clients = open_clients({"AWS_ENDPOINT_URL": endpoint.url, **KEYS}, region=REGION)
        for client in clients.all():
            client.meta.events.register("before-call", record)
        yield LocalAws(url=endpoint.url, clients=clients, sent=sent)


@contextmanager
def rehearse(aws: LocalAws, folder: Path) -> Iterator[Rehearsal]:
    """A checkout with one commit, for a project and a bucket that no other test has; leaves no fault behind."""
    name = f"web-{next(_NUMBERS)}"
    made = Rehearsal(aws=aws, work=folder, name=name, settings=replace(PLAIN, bucket=f"sledge-{name}"))
    made.git("init", "-q", "-b", "main")
    made.commit("Dockerfile", "FROM scratch\n")
    aws.sent.clear()
    yield made
    requests.delete(f"{aws.url}/-/faults", timeout=10)
