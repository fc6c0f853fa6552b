"""GitLab's runner API, called as a runner calls it. Paths and headers: GitLab's OpenAPI document, tags `jobs`
and `runners`."""

import platform
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import requests

from sledgehammer.errors import CredentialsError, NotFoundError, RemoteError
from sledgehammer.polling import Clock
from sledgehammer.retry import Retry, RetryPolicy, call_with_retry
from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.payload import ArtifactOrder, Dependency, JobTicket

VERSION = "17.0.0"  # of the runner API spoken here; servers compare it to decide what they may send
_TIMEOUT_S = (10, 120)
_POLICY = RetryPolicy(attempts=6, deadline_s=60.0, first_wait_s=0.3, longest_wait_s=5.0)

# What a server may send to this runner: names of `common/network.go`, FeaturesInfo.
_FEATURES = (
    "variables",
    "artifacts",
    "artifacts_exclude",
    "cache",
    "cancelable",
    "fallback_cache_keys",
    "masking",
    "raw_variables",
    "refspecs",
    "return_exit_code",
    "token_mask_prefixes",
    "trace_checksum",
    "trace_reset",
    "trace_size",
    "upload_multiple_artifacts",
    "upload_raw_artifacts",
)
_CONTAINER_FEATURES = ("image", "services", "service_variables", "service_multiple_aliases")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWord:
    """What the server said about a job: its status there, the log length it holds, how often it wants news."""

    status_code: int
    job_status: str
    log_size_bytes: int
    interval_s: float

    @property
    def is_over(self) -> bool:
        """Whether the server no longer wants the job to run."""
        return self.job_status in {"canceled", "canceling", "failed"} or self.status_code in {403, 404}


class _TransientError(RemoteError):
    """A failure that another try may cure."""


class RunnerApi:
    """One runner's door to the server at `url`; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        token: Secret,
        *,
        executor: str,
        name: str,
        clock: Clock,
        session: requests.Session | None = None,
    ) -> None:
        self._session = session or requests.Session()
        self._base = f"{url.rstrip('/')}/api/v4"
        self._token = token
        self._clock = clock
        features = dict.fromkeys(_FEATURES, True)
        features |= dict.fromkeys(_CONTAINER_FEATURES, executor == "docker")
        self._info = {
            "name": name,
            "version": VERSION,
            "revision": "sledgehammer",
            "platform": "linux",
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
            "executor": executor,
            "features": features,
        }

    def verify(self) -> None:
        """Raises CredentialsError when the server does not know the token."""
        answer = self._retried("POST", "/runners/verify", json={"token": self._token.reveal()})
        if answer.status_code == 403:
            raise CredentialsError(f"{self._base} does not know this runner's token", hint="make a new one")
        self._expect(answer, "verifying the runner", 200)

    def request_job(self) -> Mapping[str, Any] | None:
        """The payload of a job to run, or None. Not repeated: a lost answer is a lost job."""
        body = {"token": self._token.reveal(), "info": self._info}
        answer = self._send("POST", "/jobs/request", json=body)
        if answer.status_code in {204, 409}:
            return None
        if answer.status_code == 403:
            raise CredentialsError(f"{self._base} no longer knows this runner's token")
        self._expect(answer, "asking for a job", 201)
        payload: Mapping[str, Any] = answer.json()
        return payload

    def append_trace(self, job: JobTicket, *, start: int, data: bytes) -> ServerWord:
        """Send `data`, which begins at byte `start` of the log. Not repeated: the next call carries it again."""
        headers = {
            "JOB-TOKEN": job.token.reveal(),
            "Content-Range": f"{start}-{start + len(data) - 1}",
            "Content-Type": "text/plain",
        }
        return _word(self._send("PATCH", f"/jobs/{job.id}/trace", data=data, headers=headers))

    def update_job(
        self,
        job: JobTicket,
        *,
        state: str,
        failure_reason: str = "",
        exit_code: int | None = None,
        checksum: str = "",
        size_bytes: int = 0,
    ) -> ServerWord:
        """Tell the job's state: running, success or failed. 202 means: say it again later."""
        body: dict[str, Any] = {"token": job.token.reveal(), "state": state}
        body |= {"failure_reason": failure_reason} if failure_reason else {}
        body |= {} if exit_code is None else {"exit_code": exit_code}
        if checksum:
            body |= {"checksum": checksum, "output": {"checksum": checksum, "bytesize": size_bytes}}
        return _word(self._retried("PUT", f"/jobs/{job.id}", json=body))

    def upload(self, job: JobTicket, order: ArtifactOrder, *, filename: str, path: Path) -> None:
        """Hand over one archive or report."""
        fields = {"artifact_type": order.type, "artifact_format": order.format, "expire_in": order.expire_in}

        def send() -> requests.Response:
            with path.open("rb") as file:
                return self._send_checked(
                    "POST",
                    f"/jobs/{job.id}/artifacts",
                    data={name: value for name, value in fields.items() if value},
                    headers={"JOB-TOKEN": job.token.reveal()},
                    files={"file": (filename, file, "application/octet-stream")},
                )

        answer = self._call(send, f"upload {filename}")
        if answer.status_code == 413:
            raise RemoteError(f"uploading {filename}: the server says it is too large ({path.stat().st_size} bytes)")
        self._expect(answer, f"uploading {filename}", 201)

    def download(self, dependency: Dependency, into: IO[bytes]) -> None:
        """Fetch an earlier job's archive. Raises NotFoundError when it is gone."""

        def fetch() -> requests.Response:
            into.seek(0)
            into.truncate()
            answer = self._send_checked(
                "GET",
                f"/jobs/{dependency.id}/artifacts",
                headers={"JOB-TOKEN": dependency.token.reveal()},
                stream=True,
            )
            with closing(answer):
                if answer.status_code == 200:
                    self._save(answer, into)
            return answer

        answer = self._call(fetch, f"download artifacts of {dependency.name}")
        if answer.status_code == 404:
            raise NotFoundError(f"the artifacts of job {dependency.name} ({dependency.id}) are gone")
        if answer.status_code != 200:
            name = f"{dependency.name} ({dependency.id})"
            raise RemoteError(f"downloading artifacts of job {name}: the server answered {answer.status_code}")

    def _save(self, answer: requests.Response, into: IO[bytes]) -> None:
        try:
            for chunk in answer.iter_content(1 << 20):
                into.write(chunk)
        except requests.RequestException as error:
            raise _TransientError(f"a download broke off: {type(error).__name__}") from error

    def _retried(self, method: str, path: str, *, json: Mapping[str, Any]) -> requests.Response:
        return self._call(lambda: self._send_checked(method, path, json=json), f"{method} {path}")

    def _call(self, send: Callable[[], requests.Response], name: str) -> requests.Response:
        return call_with_retry(send, name=name, classify=_classify, policy=_POLICY, clock=self._clock)

    def _send_checked(self, method: str, path: str, **how: Any) -> requests.Response:
        answer = self._send(method, path, **how)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise _TransientError(f"{method} {path}: the server answered {answer.status_code}")
        return answer

    def _send(self, method: str, path: str, **how: Any) -> requests.Response:
        try:
            return self._session.request(method, f"{self._base}{path}", timeout=_TIMEOUT_S, **how)
        except requests.RequestException as error:
            raise _TransientError(f"{method} {self._base}{path}: {type(error).__name__}") from error

    def _expect(self, answer: requests.Response, what: str, status: int) -> None:
        if answer.status_code != status:
            raise RemoteError(f"{what}: the server answered {answer.status_code}: {answer.text[:300]}")


def _classify(error: BaseException) -> Retry | None:
    return Retry(cause="transient") if isinstance(error, _TransientError) else None


def _word(answer: requests.Response) -> ServerWord:
    """Read the headers that every answer about a job may carry; `Range` is `0-<length>`."""
    held = answer.headers.get("Range", "").rpartition("-")[2]
    interval = answer.headers.get("X-GitLab-Trace-Update-Interval", "")
    return ServerWord(
        status_code=answer.status_code,
        job_status=answer.headers.get("Job-Status", ""),
        log_size_bytes=int(held) if held.isdecimal() else -1,
        interval_s=float(interval) if interval.isdecimal() else 0.0,
    )
