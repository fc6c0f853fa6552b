"""Changing our part of what many share and AWS only replaces as a whole: it is read, changed and written back.

AWS knows no condition for such a write, so whoever reads between another's read and write takes that one's part away.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sledgehammer.errors import ConflictError
from sledgehammer.polling import Clock

TRIES = 5
SETTLES_S = 1.0
"""After that time whoever had read before our write has written, if a request takes no longer; with each try a longer
one."""

_LOCKS: dict[str, threading.Lock] = {}
_LOCKS_GUARD = threading.Lock()


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """No two threads of this process are within, for one `name`: an apply of many projects has several."""
    with _LOCKS_GUARD:
        lock = _LOCKS.setdefault(name, threading.Lock())
    with lock:
        yield


def change_shared(name: str, *, change: Callable[[], None], is_made: Callable[[], bool], clock: Clock) -> None:
    """Have `change` read and write it, and see by `is_made` whether that is still so a while later, for another process
    or tool may have written over it: then once more. Raises ConflictError when it never stays."""
    for number in range(1, TRIES + 1):
        with one_at_a_time(name):
            change()
        clock.sleep(SETTLES_S * number)
        if is_made():
            return
    raise ConflictError(
        f"{name}: our part of it was gone again after each of {TRIES} writes, so something else writes it too",
        hint="find out what, then run the command again",
    )
