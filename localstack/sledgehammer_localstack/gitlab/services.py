"""What every handler works with."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.gitlab.settings import GitLabSettings
from sledgehammer_localstack.gitlab.store import Store


class WorkSignal:
    """Tells waiting runners that a job may have become ready; its value is GitLab's X-GitLab-Last-Update."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._number = 1
        self._closed = False

    @property
    def value(self) -> str:
        """Changes whenever there may be new work."""
        return str(self._number)

    def announce(self) -> None:
        """There may be work."""
        with self._condition:
            self._number += 1
            self._condition.notify_all()

    def close(self) -> None:
        """Let all waiters go, for good."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def wait_for_change(self, seen: str, timeout_s: float) -> bool:
        """Wait until the value is no longer `seen`; False when it stayed so long."""
        with self._condition:
            return self._condition.wait_for(lambda: self._closed or str(self._number) != seen, timeout_s)


class BackgroundWork:
    """What goes on after its request was answered, each in a thread of its own."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def start(self, work: Callable[[], None]) -> None:
        """Begin; whoever asks for the result looks into the store."""
        thread = threading.Thread(target=work, name="gitlab-background", daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Until all of it has ended."""
        for thread in self._threads:
            thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One server's store, programs, addresses and signals."""

    settings: GitLabSettings
    store: Store
    processes: ProcessRunner
    url: str  # base URL in every link
    work: WorkSignal = field(default_factory=WorkSignal)
    background: BackgroundWork = field(default_factory=BackgroundWork)

    @property
    def repositories_dir(self) -> Path:
        """Where the bare repositories lie, <project id>.git each."""
        return self.settings.state_dir / "repositories"

    def job_dir(self, job_id: int) -> Path:
        """Where a job's trace and artifacts lie."""
        return self.settings.state_dir / "jobs" / str(job_id)
