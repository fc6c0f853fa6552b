"""Both of our providers and their local clouds, as the suites of `sledgehammer.testing` want them."""

import itertools
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import aws_rehearsal
import gitlab_rehearsal

from sledgehammer.ports import Connection, Provider
from sledgehammer.project import Image, Project
from sledgehammer_aws.provider import PROVIDER as AWS
from sledgehammer_gitlab.provider import PROVIDER as GITLAB

NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnGitLab:
    """A build's job is taken by a runner that says what it is told."""

    here: gitlab_rehearsal.Rehearsal
    provider: Provider = GITLAB

    @property
    def project(self) -> Project:
        images = (Image(name="web"), Image(name="worker"))
        return Project(name="web", images=images, root=self.here.work, providers={"gitlab": self.here.settings})

    def connect(self) -> Connection:
        return self.here.connect()

    def commit(self) -> str:
        self.here.commit("source", f"{next(NUMBERS)}\n")
        return self.here.git("rev-parse", "HEAD")

    def script_build(self, lines: Sequence[str], *, succeeds: bool) -> None:
        runner = gitlab_rehearsal.FakeRunner(self.here.url)
        state, reason = ("success", "") if succeeds else ("failed", "script_failure")
        text = "".join(f"{line}\n" for line in lines)
        self.here.clock.steps = [runner.take, lambda: runner.end(state, reason, saying=text)]

    def script_endless_build(self) -> None:
        self.here.clock.steps = []  # nobody takes the job


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAws:
    """A build runs the commands of its buildspec."""

    here: aws_rehearsal.Rehearsal
    provider: Provider = AWS

    @property
    def project(self) -> Project:
        return self.here.project

    def connect(self) -> Connection:
        return self.here.connect()

    def commit(self) -> str:
        return self.here.commit("source", f"{next(NUMBERS)}\n")

    def script_build(self, lines: Sequence[str], *, succeeds: bool) -> None:
        said = [f"echo {shlex.quote(line)}" for line in lines]
        self._command(*said, "true" if succeeds else "exit 3")

    def script_endless_build(self) -> None:
        self._command("sleep 600")

    def _command(self, *commands: str) -> None:
        listed = "".join(f"      - {json.dumps(command)}\n" for command in commands)
        self.here.buildspec = f"version: 0.2\nphases:\n  build:\n    commands:\n{listed}"
