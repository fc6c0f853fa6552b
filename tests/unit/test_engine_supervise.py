"""Background processes are owned: exactly those that were started are ended."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack import supervise
from sledgehammer_localstack.supervise import ProcessIdentity, Program

WAIT_FOREVER = "import signal; print('here', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT_FOREVER}"


def program(folder: Path, code: str) -> Program:
    """A small Python program in the background."""
    argv = (sys.executable, "-c", code)
    return Program(argv=argv, record=folder / "processes" / "one", log=folder / "logs" / "one.log", env={})


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Program]:
    """A program that runs until it is ended."""
    one = program(tmp_path, WAIT_FOREVER)
    supervise.start_program(one)
    yield one
    supervise.stop_recorded(one.record, clock=SystemClock())


def identity_of(one: Program) -> ProcessIdentity:
    """Who runs it."""
    identity = supervise.read_record(one.record)
    assert identity is not None
    return identity


def await_log(one: Program) -> None:
    """Wait until the program has begun its work."""
    poll_until(
        one.log.read_text,
        what="the program's first line",
        is_final=lambda text: "here" in text,
        interval_s=0.01,
        deadline_s=20,
        clock=SystemClock(),
    )


def test_a_name_with_spaces_and_parentheses_does_not_mislead() -> None:
    """The start time is counted from behind the command's name."""
    fields = " ".join(str(number) for number in range(4, 30))

    assert supervise.parse_stat(f"77 (a) b (c) S {fields}") == ProcessIdentity(pid=77, start_ticks=22)


def test_a_running_program_is_not_started_twice(started: Program) -> None:
    """A second start finds the first."""
    before = identity_of(started)

    supervise.start_program(started)

    assert identity_of(started) == before


def test_stopping_ends_it_and_forgets_it(started: Program) -> None:
    """Afterwards nothing runs, and stopping again is fine."""
    identity = identity_of(started)

    assert supervise.stop_recorded(started.record, clock=SystemClock())

    assert not supervise.is_running(identity)
    assert supervise.read_record(started.record) is None
    assert not supervise.stop_recorded(started.record, clock=SystemClock())


def test_a_recycled_pid_is_not_touched(started: Program) -> None:
    """A record of an earlier process with the same pid ends nobody."""
    identity = identity_of(started)
    stat = Path(f"/proc/{identity.pid}/stat").read_text()
    other = started.record.with_name("other")
    other.write_text(stat.replace(f" {identity.start_ticks} ", f" {identity.start_ticks - 1} "))

    assert not supervise.stop_recorded(other, clock=SystemClock())

    assert supervise.is_running(identity)


def test_one_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    """SIGKILL follows when the grace has passed."""
    stubborn = program(tmp_path, STUBBORN)
    supervise.start_program(stubborn)
    await_log(stubborn)
    identity = identity_of(stubborn)

    assert supervise.stop_recorded(stubborn.record, clock=SystemClock(), grace_s=0.05)

    assert not supervise.is_running(identity)


def test_the_log_is_for_its_owner_and_keeps_earlier_lives(started: Program) -> None:
    """Output of two lives stands in one file, mode 0600."""
    await_log(started)
    supervise.stop_recorded(started.record, clock=SystemClock())

    supervise.start_program(replace(started, argv=(sys.executable, "-c", "print('second life')")))

    poll_until(
        started.log.read_text,
        what="the second life's line",
        is_final=lambda text: text == "here\nsecond life\n",
        interval_s=0.01,
        deadline_s=20,
        clock=SystemClock(),
    )
    assert started.log.stat().st_mode & 0o777 == 0o600
    assert supervise.last_words(started.log, lines=1) == "second life"


def test_helpers_are_known_by_the_directory_they_were_given(tmp_path: Path) -> None:
    """A process that names a path below the directory is found; a neighbour with a longer name is not."""
    helper = Program(
        argv=(sys.executable, "-c", WAIT_FOREVER, str(tmp_path / "exec" / "x.sock")),
        record=tmp_path / "helper",
        log=tmp_path / "helper.log",
        env={},
    )
    supervise.start_program(helper)
    await_log(helper)
    try:
        assert supervise.processes_naming(tmp_path / "exec") == [identity_of(helper)]
        assert supervise.processes_naming(tmp_path / "exe") == []
    finally:
        supervise.stop_recorded(helper.record, clock=SystemClock())
