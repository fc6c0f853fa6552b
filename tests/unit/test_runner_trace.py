"""How a log reaches a server that loses bytes, hesitates or cancels."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sledgehammer.errors import RemoteError
from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.api import RunnerApi, ServerWord
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.masking import Masker
from sledgehammer_localstack.runner.payload import JobTicket
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.trace_sender import TraceSender


class Now:
    """A clock that stands still."""

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return datetime(2025, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        pass


class Server:
    """The server's side of a log: keeps it, and answers by a script of surprises."""

    def __init__(self) -> None:
        self.log = b""
        self.final: dict[str, Any] = {}
        self.job_status = "running"
        self.surprises: list[Callable[[], ServerWord]] = []
        self.final_statuses = [200]

    def word(self, status_code: int) -> ServerWord:
        return ServerWord(
            status_code=status_code, job_status=self.job_status, log_size_bytes=len(self.log), interval_s=0.0
        )

    def append_trace(self, job: JobTicket, *, start: int, data: bytes) -> ServerWord:
        if self.surprises:
            return self.surprises.pop(0)()
        if start != len(self.log):
            return self.word(416)
        self.log += data
        return self.word(202)

    def update_job(self, job: JobTicket, *, state: str, **fields: Any) -> ServerWord:
        status = self.final_statuses.pop(0)
        self.final = {"state": state, **fields}
        return self.word(status)


def trace_of(text: str, *, limit_bytes: int = 10_000) -> JobTrace:
    trace = JobTrace(Masker(["hunter2"]), limit_bytes=limit_bytes, has_sections=True, now=lambda: 1700000000.0)
    trace.write(text.encode())
    return trace


def sender(server: Server, trace: JobTrace, interruption: Interruption | None = None) -> TraceSender:
    made = TraceSender(
        cast("RunnerApi", server),
        JobTicket(id=1, token=Secret("t")),
        trace,
        interruption=interruption or Interruption(),
        clock=Now(),
        interval_s=60,
    )
    made.start()
    return made


def test_whole_log_arrives_with_its_checksum() -> None:
    """The server ends up with the whole masked log, and the final state tells its length and checksum."""
    server = Server()
    sender(server, trace_of("password hunter2\n")).finish(state="success")
    assert server.log == b"password [MASKED]\n"
    assert server.final["size_bytes"] == len(server.log)
    assert server.final["checksum"] == f"crc32:{zlib.crc32(server.log):08x}"


def test_server_that_lost_bytes_gets_them_again() -> None:
    """After 416 the runner goes on from where the server says its copy ends."""
    server = Server()

    def lose() -> ServerWord:
        server.log = b"abc"
        return server.word(416)

    server.surprises = [lose]
    server.log = b""
    sender(server, trace_of("abcdef")).finish(state="success")
    assert server.log == b"abcdef"


def test_server_that_is_away_for_a_moment_misses_nothing() -> None:
    """A failed call is repeated with the same bytes."""
    server = Server()

    def fail() -> ServerWord:
        raise RemoteError("connection refused")

    server.surprises = [fail, lambda: server.word(500), fail]
    sender(server, trace_of("abcdef")).finish(state="success")
    assert server.log == b"abcdef"


def test_final_state_is_repeated_until_taken() -> None:
    """202 for the final state means the server still works on the log: it is told again."""
    server = Server()
    server.final_statuses = [202, 202, 200]
    sender(server, trace_of("x")).finish(state="failed", failure_reason="script_failure", exit_code=3)
    assert server.final_statuses == []
    assert (server.final["failure_reason"], server.final["exit_code"]) == ("script_failure", 3)


@pytest.mark.parametrize("status", ["canceled", "canceling"])
def test_cancelled_job_is_interrupted(status: str) -> None:
    """A Job-Status header that says cancelled ends the job."""
    server, interruption = Server(), Interruption()
    server.job_status = status
    sender(server, trace_of("x"), interruption).finish(state="failed")
    with pytest.raises(JobFailedError) as caught:
        interruption.check()
    assert caught.value.reason is FailureReason.CANCELED


def test_log_past_its_limit_says_so() -> None:
    """A log that grows without end is cut with one line that tells why."""
    trace = trace_of("a" * 50, limit_bytes=20)
    trace.write(b"more")
    shown = trace.read(0, 1000)
    assert shown.startswith(b"a" * 20 + b"\n")
    assert b"exceeded limit of 20 bytes" in shown
    assert b"more" not in shown


def test_sections_are_marked_for_folding() -> None:
    """Each stage of a job stands between GitLab's section markers."""
    trace = trace_of("")
    with trace.section("get_sources", "Getting source"):
        trace.note("inside")
    trace.close()
    text = trace.read(0, 1000).decode()
    assert text.startswith("section_start:1700000000:get_sources\r\x1b[0K")
    assert "section_end:1700000000:get_sources\r\x1b[0K" in text
