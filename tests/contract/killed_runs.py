"""Runs of `sledge` that end by SIGKILL at a write of their own choice, and the process that makes them.

A run is a fork of a process that has imported everything, so that each takes as long as its requests do. It names the
write that it dies at: on GitLab by the request's method, its path without ids, and the name in the body of what is
made; on AWS by its operation and what it is about.
"""

import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.loaders
import requests
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session

from sledgehammer.cli.main import main
from sledgehammer.process import Command, Completed, LocalProcessRunner
from sledgehammer_aws.client import open_clients

T = TypeVar("T")

BEFORE, AFTER = "before", "after"
"""When a run dies: before the write is sent; once it has had its effect and before its answer is looked at."""

NAMES = ("key", "name", "description", "target_project_id", "repository_path_pattern", "tag_name_pattern")
AWS_NAMES = ("repositoryName", "resourceArn", "logGroupName", "RoleName", "SecretId", "ResourceARN", "name", "Name")
AWS_READS = ("BatchGet", "Describe", "Get", "List")


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
    _read_models_once()
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


def _read_models_once() -> None:
    """A run on AWS would spend most of its time on the descriptions of the services."""
    botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
    if "AWS_ENDPOINT_URL" in os.environ:
        open_clients(os.environ, region="eu-central-1")


def _die_at_a_write(when: str, passing: frozenset[str], telling: int) -> None:
    """Patch the ways by which the providers write: requests, botocore and `git push`."""
    send, send_to_aws, run = requests.Session.send, URLLib3Session.send, LocalProcessRunner.run

    def die(write: str) -> None:
        os.write(telling, write.encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def written(write: str, act: Callable[[], T]) -> T:
        is_last = write not in {"", *passing}
        if is_last and when == BEFORE:
            die(write)
        answer = act()
        if is_last:
            die(write)
        return answer

    def sent(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        return written(_name_of(request), lambda: send(session, request, **options))

    def sent_to_aws(session: URLLib3Session, request: AWSPreparedRequest) -> Any:
        return written(_name_on_aws(request), lambda: send_to_aws(session, request))

    def started(runner: LocalProcessRunner, command: Command, *, timeout_s: float | None = None) -> Completed:
        write = "git push" if command.argv[:2] == ("git", "push") else ""
        return written(write, lambda: run(runner, command, timeout_s=timeout_s))

    for patched, name, patch in (
        (requests.Session, "send", sent),
        (URLLib3Session, "send", sent_to_aws),
        (LocalProcessRunner, "run", started),
    ):
        setattr(patched, name, patch)


def _name_of(request: requests.PreparedRequest) -> str:
    """Of a write, "" of a request that only reads."""
    if request.method in ("GET", "HEAD"):
        return ""
    body = json.loads(request.body or "{}") if request.headers.get("Content-Type") == "application/json" else {}
    path = re.sub(r"/\d+(?=/|$)", "/N", unquote(urlsplit(request.url or "").path))
    name = next((str(body[key]) for key in NAMES if key in body), "") if request.method == "POST" else ""
    return f"{request.method} {path} {name}".rstrip()


def _name_on_aws(request: AWSPreparedRequest) -> str:
    """Of a write, "" of a request that only reads. JSON services name the operation in a header, query services in the
    form, others in the path; S3 has its methods."""
    parts, body = urlsplit(request.url), _body_of(request)
    target = _text(request.headers.get("X-Amz-Target") or "").rpartition(".")[2]
    operation = target or str(body.get("Action") or "")
    if "/operation/" in parts.path:
        operation = parts.path.rpartition("/")[2]
    if not operation:
        is_read = request.method in ("GET", "HEAD")
        return "" if is_read else f"{request.method} {parts.path} {parts.query.partition('=')[0]}".rstrip()
    name = next((str(body[key]) for key in AWS_NAMES if key in body), "")
    return "" if operation.startswith(AWS_READS) else f"{operation} {name}".rstrip()


def _body_of(request: AWSPreparedRequest) -> Mapping[str, Any]:
    kind = _text(request.headers.get("Content-Type") or "")
    text = _text(request.body or "") if "json" in kind or "form" in kind else ""
    found = json.loads(text) if text.startswith("{") else dict(parse_qsl(text))
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    _make_runs()
