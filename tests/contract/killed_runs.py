"""Runs of `sledge -p gitlab` that end by SIGKILL at a write of their own choice, and the process that makes them.

A run is a fork of a process that has imported everything, so that each takes as long as its requests do. It names the
write that it dies at by the request's method, its path without ids, and the name in the body of what is made.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import requests

from sledgehammer.cli.main import main
from sledgehammer.process import Command, Completed, LocalProcessRunner

BEFORE, AFTER = "before", "after"
"""When a run dies: before the write is sent; once it has had its effect and before its answer is looked at."""

NAMES = ("key", "name", "description", "target_project_id", "repository_path_pattern")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """`exit_code` is negative for a signal; `died_at` is "" for a run that came to its end."""

    exit_code: int
    died_at: str


class RunsOfSledge:
    """Makes runs in one folder while entered."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            (sys.executable, __file__),
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(
        self, *argv: str, when: str = "", passing: frozenset[str] = frozenset(), values: Mapping[str, str] | None = None
    ) -> EndedRun:
        """One run. With `when` it dies at its first write that is not among those in `passing`; `values` are more of
        its environment."""
        asked = {"argv": argv, "when": when, "passing": sorted(passing), "values": dict(values or {})}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        row = json.loads(self._process.stdout.readline())
        return EndedRun(exit_code=row["exit_code"], died_at=row["died_at"])


def _make_runs() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.environ.update(asked["values"])
            os.dup2(2, 1)
            if asked["when"]:
                _die_at_a_write(asked["when"], frozenset(asked["passing"]), writing)
            os._exit(main(asked["argv"]))
        os.close(writing)
        with os.fdopen(reading) as said:
            died_at = said.read()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"exit_code": os.waitstatus_to_exitcode(status), "died_at": died_at}) + "\n")
        sys.stdout.flush()


def _die_at_a_write(when: str, passing: frozenset[str], telling: int) -> None:
    """Patch the two ways by which the provider writes: requests and `git push`."""
    send, run = requests.Session.send, LocalProcessRunner.run

    def die(write: str) -> None:
        os.write(telling, write.encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def sent(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        write = _name_of(request)
        is_last = write not in {"", *passing}
        if is_last and when == BEFORE:
            die(write)
        response = send(session, request, **options)
        if is_last:
            die(write)
        return response

    def started(runner: LocalProcessRunner, command: Command, *, timeout_s: float | None = None) -> Completed:
        is_last = command.argv[:2] == ("git", "push") and "git push" not in passing
        if is_last and when == BEFORE:
            die("git push")
        completed = run(runner, command, timeout_s=timeout_s)
        if is_last:
            die("git push")
        return completed

    setattr(requests.Session, "send", sent)  # noqa: B010 - a method is replaced, which types do not allow
    setattr(LocalProcessRunner, "run", started)  # noqa: B010 - as above


def _name_of(request: requests.PreparedRequest) -> str:
    """Of a write, "" of a request that only reads."""
    if request.method in ("GET", "HEAD"):
        return ""
    body = json.loads(request.body or "{}") if request.headers.get("Content-Type") == "application/json" else {}
    path = re.sub(r"/\d+(?=/|$)", "/N", unquote(urlsplit(request.url or "").path))
    name = next((str(body[key]) for key in NAMES if key in body), "") if request.method == "POST" else ""
    return f"{request.method} {path} {name}".rstrip()


if __name__ == "__main__":
    _make_runs()
