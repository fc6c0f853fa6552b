"""The one way to end a job early, from any thread: cancel, timeout, or the runner's own end."""

import threading
from collections.abc import Callable

from sledgehammer_localstack.runner.failure import JobFailedError


class Interruption:
    """Remembers the first cause given and calls what is registered to stop the work at hand."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cause: JobFailedError | None = None
        self._actions: list[Callable[[], None]] = []
        self._event = threading.Event()

    def interrupt(self, cause: JobFailedError) -> None:
        """End the job with this cause; a second cause changes nothing."""
        with self._lock:
            if self._cause is not None:
                return
            self._cause = cause
            actions = tuple(self._actions)
            self._event.set()
        for action in actions:
            action()

    def on_interrupt(self, action: Callable[[], None]) -> None:
        """Have `action` called when the job is interrupted, at once if it has been."""
        with self._lock:
            self._actions.append(action)
            is_late = self._cause is not None
        if is_late:
            action()

    def check(self) -> None:
        """Raise the cause if there is one."""
        if self._cause is not None:
            raise self._cause

    def wait(self, seconds: float) -> None:
        """Let time pass, less of it when the job is interrupted; raises the cause then."""
        self._event.wait(seconds)
        self.check()
