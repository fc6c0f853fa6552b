"""Processes that outlive the command which started them, recorded so that exactly they can be ended later.

A process writes its own record before it becomes the wanted program, so a starter that is killed at any moment
leaves no unknown process behind. A record holds the process's start time too: a recycled pid is never touched.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import TimedOutError
from sledgehammer.polling import Clock, SystemClock, poll_until

# $0 is the record. The shell's /proc entry is the program's: exec changes neither pid nor start time.
_LAUNCHER = 'cat "/proc/$$/stat" >"$0.new" && mv "$0.new" "$0" && exec "$@"'
_DETACH = 'sh -c "$@" &'  # the program becomes a child of init, which also reaps it
_START_TIME_FIELD = 19  # counted after the command's name; proc(5), field 22 of /proc/<pid>/stat
_GRACE_S = 30.0
_KILL_WAIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A pid together with the moment its process started, in clock ticks since boot."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A background program: argv, what is added to its environment, and the files of its record and its log."""

    argv: tuple[str, ...]
    record: Path
    log: Path
    env: Mapping[str, str]


def parse_stat(stat: str) -> ProcessIdentity:
    """Identity from the text of /proc/<pid>/stat; the command's name in it may hold spaces and parentheses."""
    pid, _, rest = stat.partition(" (")
    fields = rest.rpartition(")")[2].split()
    return ProcessIdentity(pid=int(pid), start_ticks=int(fields[_START_TIME_FIELD]))


def is_running(identity: ProcessIdentity) -> bool:
    """Whether that very process still lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{identity.pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state = stat.rpartition(")")[2].split()[0]
    return parse_stat(stat) == identity and state not in {"Z", "X"}


def read_record(record: Path) -> ProcessIdentity | None:
    """Who was recorded there; None when nobody was."""
    try:
        return parse_stat(record.read_text())
    except FileNotFoundError:
        return None


def start_program(program: Program) -> None:
    """Start it in a session of its own, unless the recorded one still runs. Its output is appended to the log,
    which only its owner can read."""
    known = read_record(program.record)
    if known is not None and is_running(known):
        return
    program.record.parent.mkdir(parents=True, exist_ok=True)
    program.log.parent.mkdir(parents=True, exist_ok=True)
    program.record.unlink(missing_ok=True)
    descriptor = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        subprocess.run(
            ["sh", "-c", _DETACH, "sh", _LAUNCHER, str(program.record), *program.argv],
            env={**os.environ, **program.env},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=True,
        )
    poll_until(
        program.record.exists,
        what=f"the start of {program.argv[0]}",
        is_final=bool,
        interval_s=0.01,
        longest_interval_s=0.2,
        deadline_s=_KILL_WAIT_S,
        clock=SystemClock(),
    )


def last_words(log: Path, *, lines: int) -> str:
    """The end of a log file, for an error message."""
    with contextlib.suppress(FileNotFoundError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return ""


def stop_recorded(record: Path, *, clock: Clock, grace_s: float = _GRACE_S) -> bool:
    """End the recorded process: SIGTERM, and SIGKILL after `grace_s` seconds; then forget the record. Says
    whether there was one to end."""
    identity = read_record(record)
    was_running = identity is not None and is_running(identity)
    if identity is not None and was_running:
        stop_process(identity, clock=clock, grace_s=grace_s)
    record.unlink(missing_ok=True)
    return was_running


def stop_process(identity: ProcessIdentity, *, clock: Clock, grace_s: float = _GRACE_S) -> None:
    """SIGTERM, then SIGKILL; raises TimedOutError when even that leaves it running."""
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, _KILL_WAIT_S)):
        if not is_running(identity):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        with contextlib.suppress(TimedOutError):
            _await_end(identity, clock=clock, deadline_s=wait_s)
    if is_running(identity):
        raise TimedOutError(f"process {identity.pid} does not end, not even by SIGKILL")


def _await_end(identity: ProcessIdentity, *, clock: Clock, deadline_s: float) -> None:
    poll_until(
        lambda: is_running(identity),
        what=f"the end of process {identity.pid}",
        is_final=lambda running: not running,
        interval_s=0.05,
        longest_interval_s=0.5,
        deadline_s=deadline_s,
        clock=clock,
    )


def processes_naming(path: Path) -> Sequence[ProcessIdentity]:
    """Processes that have `path`, or something below it, among their arguments: helpers that a killed engine
    left behind are known by the private directory they were given."""
    wanted = os.fsencode(path)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if any(argument == wanted or argument.startswith(wanted + b"/") for argument in arguments):
                found.append(parse_stat((entry / "stat").read_text()))
    return found
