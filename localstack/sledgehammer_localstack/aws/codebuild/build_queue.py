"""Which builds run now and which wait: an account's concurrency and its queue.

https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html: five times as many builds may be queued as
may run at once.
"""

import threading
from collections.abc import Callable

from sledgehammer_localstack.aws.codebuild.build_record import Context, Status
from sledgehammer_localstack.aws.codebuild.build_run import BuildRun
from sledgehammer_localstack.aws.refusal import AwsError

QUEUE_FACTOR = 5


class BuildQueue:
    """Starts runs in threads, `slots` at a time; `on_end` hears of each that is complete."""

    def __init__(self, slots: int, *, minute_s: float, on_end: Callable[[BuildRun], None]) -> None:
        self._slots = slots
        self._minute_s = minute_s
        self._on_end = on_end
        self._lock = threading.RLock()
        self._waiting: list[BuildRun] = []
        self._timers: dict[BuildRun, threading.Timer] = {}
        self._running: dict[BuildRun, threading.Thread] = {}
        self._is_closed = False

    def check_room(self) -> None:
        """Raises AwsError (AccountLimitExceededException) when no further build may wait."""
        with self._lock:
            limit = self._slots * QUEUE_FACTOR
            if len(self._running) >= self._slots and len(self._waiting) >= limit:
                message = f"Cannot have more than {limit} builds in queue for the account"
                raise AwsError("AccountLimitExceededException", message)

    def submit(self, run: BuildRun) -> None:
        """Queue a run; it starts at once where a slot is free."""
        run.build.enter("SUBMITTED")
        run.build.leave(Status.SUCCEEDED)
        run.build.enter("QUEUED")
        minutes = run.build.settings["queuedTimeoutInMinutes"]
        timer = threading.Timer(minutes * self._minute_s, self.drop, [run, Status.TIMED_OUT])
        timer.daemon = True
        with self._lock:
            self._waiting.append(run)
            self._timers[run] = timer
            timer.start()
            self._start_next()

    def drop(self, run: BuildRun, status: Status) -> None:
        """Take a run out of the queue, if it still waits there; it is complete then."""
        with self._lock:
            if run not in self._waiting:
                return
            self._waiting.remove(run)
            self._timers.pop(run).cancel()
        code = "BUILD_TIMED_OUT" if status is Status.TIMED_OUT else ""
        run.build.leave(status, Context(code=code, message="Build has timed out in the queue." if code else ""))
        run.build.complete(status)
        self._on_end(run)

    def stop(self, run: BuildRun) -> None:
        """End a run wherever it is."""
        self.drop(run, Status.STOPPED)
        with self._lock:
            is_running = run in self._running
        if is_running:
            run.interrupt(Status.STOPPED)

    def close(self) -> None:
        """End everything and wait until it has ended."""
        with self._lock:
            self._is_closed = True
            waiting, threads = list(self._waiting), dict(self._running)
        for run in (*waiting, *threads):
            self.stop(run)
        for thread in threads.values():
            thread.join()

    def _start_next(self) -> None:
        while self._waiting and len(self._running) < self._slots and not self._is_closed:
            run = self._waiting.pop(0)
            self._timers.pop(run).cancel()
            run.build.leave(Status.SUCCEEDED)
            thread = threading.Thread(target=self._work, args=(run,), name=f"build-{run.build.identity.uuid}")
            thread.daemon = True
            self._running[run] = thread
            thread.start()

    def _work(self, run: BuildRun) -> None:
        run.run()
        with self._lock:
            del self._running[run]
            self._start_next()
        self._on_end(run)
