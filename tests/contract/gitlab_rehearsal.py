"""A checkout, a local GitLab and a runner of few words, for the contract tests of the GitLab provider."""

import itertools
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gitlab_openapi import check_exchange

from sledgehammer.checkout import read_checkout
from sledgehammer.plan import BuildPlan
from sledgehammer.ports import CiFile, Environment
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer.project import Image, Project
from sledgehammer.secret import Secret
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.connection import GitLabConnection, open_connection
from sledgehammer_gitlab.destination import destination_of
from sledgehammer_gitlab.render import CI_FILE, render_ci_text
from sledgehammer_gitlab.settings import Settings
from sledgehammer_localstack.gitlab.server import GitLabServer
from sledgehammer_localstack.gitlab.settings import GitLabSettings

ROOT_TOKEN = "glpat-rehearsal-root"
RUNNER_TOKEN = "glrt-rehearsal-runner"
PROCESSES = LocalProcessRunner()
PLAIN = Settings(project="team/sub/web")
GRAPHQL = "/api/graphql"
_NUMBERS = itertools.count(1)
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request of the adapter and its answer; bodies are parsed JSON, None where there is none."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any
    status: int
    answer: Any


class Recorder:
    """Keeps what goes through requests, which the provider uses and the rest of a test does not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.exchanges: list[Exchange] = []
        send = requests.Session.send

        def recorded(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
            response = send(session, request, **options)
            self.exchanges.append(_exchange(request, response))
            return response

        monkeypatch.setattr(requests.Session, "send", recorded)

    def check(self) -> None:
        """Hold every request and answer to GitLab's own description of its API, which GraphQL is not in."""
        for one in self.exchanges:
            if one.path == GRAPHQL:
                continue
            check_exchange(one.method, one.path, dict(one.query), one.body, one.status, one.answer)

    @property
    def writes(self) -> list[str]:
        """`METHOD path` of every request that may change something; GraphQL is only queried."""
        asking = [one for one in self.exchanges if one.method not in ("GET", "HEAD") and one.path != GRAPHQL]
        return [f"{one.method} {one.path}" for one in asking]


def _exchange(request: requests.PreparedRequest, response: requests.Response) -> Exchange:
    parts = urlsplit(request.url or "")
    raw = request.body.decode() if isinstance(request.body, bytes) else request.body
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    return Exchange(
        method=request.method or "",
        path=parts.path,
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        body=(json.loads(raw) or None) if raw else None,  # python-gitlab sends {} where there is no body
        status=response.status_code,
        answer=response.json() if is_json else None,
    )


class SteppingClock(FakeClock):
    """Time passes without sleeping, and something happens meanwhile: `steps` are called one per sleep."""

    def __init__(self, *, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        super().__init__(start=start)
        self.steps: list[Callable[[], object]] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.steps:
            self.steps.pop(0)()


@dataclass(kw_only=True)
class Rehearsal:
    """One project's checkout and the server it goes to. `clock` never sleeps."""

    url: str
    work: Path
    settings: Settings
    images: tuple[str, ...] = ("web",)
    variables: Mapping[str, str] = field(default_factory=dict)
    token: str = ROOT_TOKEN
    clock: SteppingClock = field(default_factory=SteppingClock)

    def git(self, *argv: str, folder: Path | None = None) -> str:
        command = Command(argv=("git", *argv), cwd=folder or self.work, env=IDENTITY)
        return run_checked(PROCESSES, command).text

    def commit(self, name: str, content: str = "x\n") -> None:
        """Commit one file to the checkout."""
        (self.work / name).write_text(content)
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"change {name}")

    def connect(self) -> GitLabConnection:
        """As a new process would, with everything read anew."""
        images = tuple(Image(name=name) for name in self.images)
        project = Project(name="web", images=images, root=self.work, providers={"gitlab": self.settings})
        plan = BuildPlan(operations=(destination_of(project, self.settings.project).engine,))
        return open_connection(
            project,
            self.settings,
            CiFile(path=CI_FILE, text=render_ci_text(project, self.settings, plan)),
            read_checkout(self.work, runner=PROCESSES),
            Environment(
                variables={"GITLAB_URL": self.url, "GITLAB_TOKEN": self.token, **self.variables}, processes=PROCESSES
            ),
            clock=self.clock,
        )

    def apply(self) -> None:
        self.connect().apply(on_change=lambda change: None)

    def api(self, method: str, path: str, body: object = None, *, token: str = ROOT_TOKEN) -> Any:
        """A request of the test's own, as a person or another tool would make it; a 404 gives None."""
        headers = {"PRIVATE-TOKEN": token, "Content-Type": "application/json"}
        return call(self.url, method, f"/api/v4{path}", body, headers)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """A request to the server's own controls."""
        return call(self.url, method, path, body, {"Content-Type": "application/json"})

    @property
    def path(self) -> str:
        """The project's full path."""
        return self.settings.project

    @property
    def group(self) -> str:
        """The outermost group."""
        return self.path.split("/")[0]

    @property
    def project(self) -> str:
        """The project's API path."""
        return f"/projects/{self.settings.project.replace('/', '%2F')}"

    def tip(self) -> str:
        """The commit of main on GitLab."""
        return str(self.api("GET", f"{self.project}/repository/branches/main")["commit"]["id"])


def server_settings(folder: Path, *, registry_address: str = "127.0.0.1:5000") -> GitLabSettings:
    """Settings of a GitLab that keeps its state there."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return GitLabSettings(
        state_dir=folder,
        root_token=Secret(ROOT_TOKEN),
        runner_token=Secret(RUNNER_TOKEN),
        signing_key=Secret(key.decode()),
        registry_address=registry_address,
        long_poll_s=0.0,
    )


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A GitLab without projects; gives its URL."""
    with GitLabServer(server_settings(folder)) as server:
        yield server.url


@contextmanager
def rehearse(url: str, folder: Path, settings: Settings = PLAIN) -> Iterator[Rehearsal]:
    """A checkout with one commit, for a project in a group that no other test has; leaves no fault and no job."""
    project = settings.project.replace("team", f"team{next(_NUMBERS)}", 1)
    made = Rehearsal(url=url, work=folder, settings=replace(settings, project=project))
    made.git("init", "-q", "-b", "main")
    made.commit("Dockerfile", "FROM scratch\n")
    yield made
    made.ask("DELETE", "/-/faults")
    for pipeline in made.api("GET", f"{made.project}/pipelines") or []:
        made.api("POST", f"{made.project}/pipelines/{pipeline['id']}/cancel")


class FakeRunner:
    """Takes a job and says what a test wants to hear, by GitLab's runner API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._job: Any = None
        self._sent = 0

    def take(self) -> None:
        """Take the next job; there must be one."""
        body = {"token": RUNNER_TOKEN, "info": {"name": "fake", "features": {"variables": True}}}
        self._job = call(self._url, "POST", "/api/v4/jobs/request", body, {"Content-Type": "application/json"})
        self._sent = 0
        assert self._job is not None, "there is no job to take"

    def say(self, text: str) -> None:
        """Append to the job's trace."""
        data = text.encode()
        span = f"{self._sent}-{self._sent + len(data) - 1}"
        headers = {"JOB-TOKEN": self._job["token"], "Content-Range": span, "Content-Type": "text/plain"}
        call(self._url, "PATCH", f"/api/v4/jobs/{self._job['id']}/trace", data, headers)
        self._sent += len(data)

    def end(self, state: str, reason: str = "", *, saying: str = "") -> None:
        """Finish the job, after some last words."""
        if saying:
            self.say(saying)
        body = {"token": self._job["token"], "state": state, **({"failure_reason": reason} if reason else {})}
        call(self._url, "PUT", f"/api/v4/jobs/{self._job['id']}", body, {"Content-Type": "application/json"})


def call(url: str, method: str, path: str, body: object, headers: Mapping[str, str]) -> Any:
    """One request past the recorder; a 404 gives None, other errors raise."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data=data, method=method, headers=dict(headers))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - a server of this test
            content = answer.read()
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error
    return json.loads(content) if is_json and content else None
