"""The server's side of GitLab's runner API for tests of a runner: hands out payloads, keeps what comes back."""

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from werkzeug.formparser import parse_form_data

TOKEN = "glrt-test"


class RunnerServer:
    """Serves on 127.0.0.1 while entered. `enqueue` a payload, `wait` for its end; `cancel` says so to the runner."""

    def __init__(self) -> None:
        self.logs: dict[int, bytes] = {}
        self.finals: dict[int, Mapping[str, Any]] = {}
        self.uploads: dict[int, list[tuple[str, bytes]]] = {}  # artifact type and content, by job
        self.canceled: set[int] = set()
        self._queue: deque[Mapping[str, Any]] = deque()
        self._news = threading.Condition()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def enqueue(self, payload: Mapping[str, Any]) -> int:
        """Offer a job; gives its id."""
        self._queue.append(payload)
        return int(payload["id"])

    def wait(self, job: int) -> tuple[Mapping[str, Any], str]:
        """The final state of a job and its whole log."""
        with self._news:
            assert self._news.wait_for(lambda: job in self.finals, timeout=300), "the job never ended"
        return self.finals[job], self.logs[job].decode()

    def wait_for_output(self, job: int, text: str) -> None:
        """Wait until the log of a running job holds `text`."""
        with self._news:
            said = self._news.wait_for(lambda: text.encode() in self.logs.get(job, b""), timeout=120)
        assert said, f"{text} never came"

    def take_job(self) -> Mapping[str, Any] | None:
        payload = self._queue.popleft() if self._queue else None
        if payload is not None:
            self.logs[payload["id"]] = b""
        return payload

    def append(self, job: int, start: int, data: bytes) -> int:
        with self._news:
            if start != len(self.logs[job]):
                return 416
            self.logs[job] += data
            self._news.notify_all()
            return 202

    def finish(self, job: int, body: Mapping[str, Any]) -> None:
        with self._news:
            if body["state"] != "running":
                self.finals[job] = body
            self._news.notify_all()


class _Handler(BaseHTTPRequestHandler):
    owner: RunnerServer

    def log_message(self, *_: object) -> None:
        """Tests print what matters themselves."""

    def do_POST(self) -> None:
        if self.path.endswith("/artifacts") or "/artifacts?" in self.path:
            _, form, files = parse_form_data(
                {
                    "wsgi.input": self.rfile,
                    "REQUEST_METHOD": "POST",
                    "CONTENT_TYPE": self.headers["Content-Type"],
                    "CONTENT_LENGTH": self.headers["Content-Length"],
                }
            )
            with contextlib.closing(files["file"]) as file:
                self.owner.uploads.setdefault(self._job(), []).append((form["artifact_type"], file.read()))
            return self._answer(201, b"{}")
        body = json.loads(self._body())
        if body["token"] != TOKEN:
            return self._answer(403)
        if self.path.endswith("/runners/verify"):
            return self._answer(200)
        payload = self.owner.take_job()
        return self._answer(204) if payload is None else self._answer(201, json.dumps(payload).encode())

    def do_GET(self) -> None:
        uploads = [data for kind, data in self.owner.uploads.get(self._job(), []) if kind == "archive"]
        if uploads:
            self._answer(200, uploads[-1])
        else:
            self._answer(404)

    def do_PATCH(self) -> None:
        start = int(self.headers["Content-Range"].partition("-")[0])
        status = self.owner.append(self._job(), start, self._body())
        self._answer(status, headers={"Range": f"0-{len(self.owner.logs[self._job()])}"})

    def do_PUT(self) -> None:
        self.owner.finish(self._job(), json.loads(self._body()))
        self._answer(200)

    def _job(self) -> int:
        found = re.search(r"/jobs/(\d+)", self.path)
        assert found is not None, self.path
        return int(found[1])

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        if "/jobs/" in self.path and "request" not in self.path:
            self.send_header("Job-Status", "canceled" if self._job() in self.owner.canceled else "running")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def payload(
    job: int,
    script: Sequence[str],
    *,
    after_script: Sequence[str] = (),
    variables: Sequence[Mapping[str, Any]] = (),
    timeout: int = 300,
    repo_url: str = "",
    sha: str = "",
    **members: Any,
) -> dict[str, Any]:
    """A job as the server hands it out; without `repo_url` it has no sources. Further members as they are."""
    steps = [{"name": "script", "script": list(script), "when": "on_success", "allow_failure": False}]
    if after_script:
        steps.append({"name": "after_script", "script": list(after_script), "when": "always", "allow_failure": True})
    strategy = [] if repo_url else [{"key": "GIT_STRATEGY", "value": "none", "public": True}]
    path = {"key": "CI_PROJECT_PATH", "value": "group/app", "public": True}
    return {
        "id": job,
        "token": f"job-token-{job}",
        "job_info": {"id": job, "name": "job", "stage": "test", "project_id": 1, "project_name": "app"},
        "git_info": {
            "repo_url": repo_url or "http://127.0.0.1/group/app.git",
            "ref": "main",
            "sha": sha,
            "refspecs": ["+refs/heads/main:refs/remotes/origin/main"],
            "depth": 20,
        },
        "runner_info": {"timeout": timeout},
        "variables": [path, *strategy, *variables],
        "steps": steps,
        "features": {"trace_sections": True, "failure_reasons": ["runner_unsupported"]},
        **members,
    }
