"""A job's log as it grows: masked, bounded, with the sections that a web page folds."""

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterator

from sledgehammer_localstack.runner.masking import Masker

_RESET = "\x1b[0;m"
_CYAN, _YELLOW, _RED, _GREEN = "\x1b[36;1m", "\x1b[0;33m", "\x1b[31;1m", "\x1b[32;1m"
_CLEAR_LINE = "\x1b[0K"


class JobTrace:
    """The log of one job. Any thread may write; what is past `limit_bytes` is dropped with one line that says so.

    Section markers: `section_start:<unix seconds>:<name>\\r\\x1b[0K`, from GitLab's page "Job logs"."""

    def __init__(self, masker: Masker, *, limit_bytes: int, has_sections: bool, now: Callable[[], float]) -> None:
        self._masker = masker
        self._limit = limit_bytes
        self._has_sections = has_sections
        self._now = now
        self._lock = threading.Lock()
        self._shown = bytearray()
        self._is_full = False

    def write(self, data: bytes) -> None:
        """Add output of a script, or of anything that may print a secret."""
        with self._lock:
            self._append(self._masker.feed(data))

    def close(self) -> None:
        """Let out what the masker still holds; nothing is written afterwards."""
        with self._lock:
            self._append(self._masker.flush())

    def note(self, text: str) -> None:
        """A line of the runner's own."""
        self.write(f"{text}\n".encode())

    def warn(self, text: str) -> None:
        """A line of the runner's own, in yellow."""
        self.note(f"{_YELLOW}WARNING: {text}{_RESET}")

    def fail(self, text: str) -> None:
        """The line that tells why the job failed."""
        self.note(f"{_RED}ERROR: Job failed: {text}{_RESET}")

    def succeed(self) -> None:
        """The line at the end of a job that went well."""
        self.note(f"{_GREEN}Job succeeded{_RESET}")

    @contextlib.contextmanager
    def section(self, name: str, title: str) -> Iterator[None]:
        """Fold everything written inside under `title`."""
        if self._has_sections:
            self.write(f"section_start:{int(self._now())}:{name}\r{_CLEAR_LINE}".encode())
        self.note(f"{_CLEAR_LINE}{_CYAN}{title}{_RESET}")
        try:
            yield
        finally:
            if self._has_sections:
                self.write(f"section_end:{int(self._now())}:{name}\r{_CLEAR_LINE}\n".encode())

    def read(self, start: int, limit: int) -> bytes:
        """What can be sent from byte `start` on."""
        with self._lock:
            return bytes(self._shown[start : start + limit])

    @property
    def size_bytes(self) -> int:
        """Length of what can be sent."""
        with self._lock:
            return len(self._shown)

    @property
    def checksum(self) -> str:
        """`crc32:<8 hex digits>` over the whole log, as `PUT /jobs/:id` carries it."""
        with self._lock:
            return f"crc32:{zlib.crc32(self._shown):08x}"

    def _append(self, data: bytes) -> None:
        if self._is_full:
            return
        room = self._limit - len(self._shown)
        self._shown += data[:room]
        if len(data) > room:
            self._is_full = True
            said = f"\n{_RED}Job's log exceeded limit of {self._limit} bytes.{_RESET}\n"
            self._shown += said.encode()
