"""A job's log as lines for a person. GitLab gives the whole trace at each read, never a part of it
(gitlab-org/gitlab#30391), so a reader keeps what it has shown. Pure."""

import re

_SECTION = re.compile(r"section_(?:start|end):\d+:[^\r\n]*\r(?:\x1b\[0K)?")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z [0-9a-f]{2}[OE][+ ]?")


class TraceReader:
    """Turns ever longer texts of one trace into the lines that are new."""

    def __init__(self) -> None:
        self._shown = 0  # bytes, always the end of a line

    def read(self, trace: bytes, *, is_complete: bool) -> list[str]:
        """The lines since the last read; a last line without an end waits until `is_complete`."""
        end = len(trace) if is_complete else trace.rfind(b"\n") + 1
        if end <= self._shown:
            return []
        new = trace[self._shown : end].decode(errors="replace")
        self._shown = end
        return [line for raw in new.removesuffix("\n").split("\n") if (line := clean(raw)) is not None]


def clean(line: str) -> str | None:
    """A line without timestamps, section marks and colours; of a progress bar the last state. None for a line
    that was only marks."""
    without_marks = _SECTION.sub("", _TIMESTAMP.sub("", line, count=1))
    text = _ANSI.sub("", without_marks).rstrip("\r").rpartition("\r")[2]
    return None if not text and line else text
