"""Standard output that may lose its reader: what a command does, and its exit code, do not depend on who reads."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from sledgehammer.errors import MissingToolError, file_problem


class Output:
    """Writes to a stream until that fails, and from then on nowhere. `failure` is why, unless the reader went away."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        if error.errno != errno.EPIPE:
            self.failure = self.failure or error
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # where what is buffered goes, too


@contextmanager
def reliable_output() -> Iterator[None]:
    """`sys.stdout` as an Output. Raises MissingToolError in the end where what was written could not be kept."""
    before = sys.stdout
    output = Output(before)
    sys.stdout = cast(TextIO, output)  # all that a command and argparse use of it
    try:
        yield
    finally:
        output.flush()
        sys.stdout = before
    if output.failure is not None:
        raise MissingToolError(
            f"standard output cannot be written: {file_problem(output.failure)}",
            hint="what was to be done is done; run again for what was to be printed",
        )
