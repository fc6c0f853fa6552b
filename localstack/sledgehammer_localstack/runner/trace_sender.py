"""Brings a job's log to the server while it grows, and the server's word about the job back."""

import logging
import threading

from sledgehammer.errors import RemoteError
from sledgehammer.polling import Clock
from sledgehammer_localstack.runner.api import RunnerApi, ServerWord
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.payload import JobTicket
from sledgehammer_localstack.runner.trace import JobTrace

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1_000_000
_IDLE_ROUNDS = 2  # rounds without output after which the server is asked whether it still wants the job
_FINAL_TRIES = 30


class TraceSender:
    """Sends what is new about every `interval_s` (the server may ask for another interval), and interrupts the
    job when the server says that it was cancelled. `finish` sends the rest and the final state."""

    def __init__(
        self,
        api: RunnerApi,
        job: JobTicket,
        trace: JobTrace,
        *,
        interruption: Interruption,
        clock: Clock,
        interval_s: float,
    ) -> None:
        self._api, self._job, self._trace = api, job, trace
        self._interruption = interruption
        self._clock = clock
        self._interval_s = interval_s
        self._sent = 0
        self._idle_rounds = 0
        self._is_refused = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"trace of job {job.id}", daemon=True)

    def start(self) -> None:
        """Begin to send in the background."""
        self._thread.start()

    def finish(self, *, state: str, failure_reason: str = "", exit_code: int | None = None) -> None:
        """Send the rest of the log, then the state, until the server has taken both.

        Raises RemoteError when it does not within the bounds; a server that dropped the job is not told."""
        self._done.set()
        self._thread.join()
        self._trace.close()
        for _ in range(_FINAL_TRIES):
            if self._is_refused or self._sent >= self._trace.size_bytes:
                break
            if not self._send_once():
                self._clock.sleep(1.0)
        for _ in range(_FINAL_TRIES):
            if self._is_refused:
                return
            word = self._api.update_job(
                self._job,
                state=state,
                failure_reason=failure_reason,
                exit_code=exit_code,
                checksum=self._trace.checksum,
                size_bytes=self._trace.size_bytes,
            )
            if word.status_code != 202:
                self._heed_final(word)
                return
            self._clock.sleep(1.0)
        raise RemoteError(f"job {self._job.id}: the server never took its final state ({state})")

    def _heed_final(self, word: ServerWord) -> None:
        if word.status_code not in {200, 403, 404}:
            raise RemoteError(f"job {self._job.id}: its final state was answered with {word.status_code}")

    def _loop(self) -> None:
        while not self._done.wait(self._interval_s):
            self._send_once()

    def _send_once(self) -> bool:
        """One round: new bytes, or after some silence a sign of life. False when the server was not reached."""
        data = self._trace.read(self._sent, _CHUNK_BYTES)
        self._idle_rounds = 0 if data else self._idle_rounds + 1
        try:
            if data:
                self._heed(self._api.append_trace(self._job, start=self._sent, data=data), len(data))
            elif self._idle_rounds >= _IDLE_ROUNDS:
                self._idle_rounds = 0
                self._heed(self._api.update_job(self._job, state="running"), 0)
        except RemoteError as error:
            log.warning("job %d: sending its log: %s", self._job.id, error.message)
            return False
        return True

    def _heed(self, word: ServerWord, size: int) -> None:
        """Take the server's answer in: how much it holds now, how often it wants news, whether to stop."""
        if size and word.status_code in {202, 416}:
            held = word.log_size_bytes if word.log_size_bytes >= 0 else self._sent + size
            self._sent = min(held, self._trace.size_bytes)
        elif size and not word.is_over:
            raise RemoteError(f"the server answered {word.status_code}")
        if word.interval_s:
            self._interval_s = min(word.interval_s, 30.0)
        if word.is_over:
            self._is_refused = word.status_code in {403, 404}
            said = word.job_status or f"answer {word.status_code}"
            self._interruption.interrupt(
                JobFailedError(f"the server ended the job ({said})", reason=FailureReason.CANCELED)
            )
