"""One command at a time works on a state directory."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sledgehammer.errors import ConflictError

LOCK_FILE = "lock"


@contextlib.contextmanager
def state_lock(state_dir: Path) -> Iterator[None]:
    """Hold the state directory. The kernel frees it when this process ends in any way; raises ConflictError
    while another command has it."""
    state_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+"):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(
                f"another command is working on the stack in {state_dir}", hint="wait until it has ended"
            ) from error
        yield
