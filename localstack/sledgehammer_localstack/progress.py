"""How the stack tells a person what it is doing: one line at a time, on standard error."""

import sys
from collections.abc import Callable

Say = Callable[[str], None]
"""Takes one line about what begins or what is done."""


def say_to_stderr(line: str) -> None:
    """The command line's way."""
    print(f"stack: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the command line's own voice
