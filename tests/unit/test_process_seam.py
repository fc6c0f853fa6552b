"""The seam through which every program is run."""

import sys
from pathlib import Path

import pytest

from sledgehammer.errors import MissingToolError, RemoteError, TimedOutError
from sledgehammer.process import Command, LocalProcessRunner, run_checked

RUNNER = LocalProcessRunner()


def python(code: str) -> tuple[str, ...]:
    """argv of a small Python program."""
    return (sys.executable, "-c", code)


def test_standard_input_and_environment_reach_the_program_but_no_error() -> None:
    """A secret given either way is not in the message of a failure."""
    code = "import os,sys; print(len(sys.stdin.read()), len(os.environ['TOKEN'])); sys.exit(3)"
    command = Command(argv=python(code), env={"TOKEN": "s3cret"}, input_bytes=b"pa55word")

    with pytest.raises(RemoteError, match="exit code 3") as failure:
        run_checked(RUNNER, command)

    assert "8 6" in str(failure.value)
    assert "s3cret" not in str(failure.value) + repr(command)
    assert "pa55word" not in str(failure.value) + repr(command)


def test_lines_come_while_the_program_runs() -> None:
    """Both outputs, in order, undecodable bytes included."""
    lines: list[str] = []
    code = "import sys,os; os.write(1,b'one\\r\\n'); os.write(2,b'two\\xff\\n'); os.write(1,b'three'); sys.exit(4)"

    exit_code = RUNNER.stream(Command(argv=python(code)), on_line=lines.append)

    assert lines == ["one", "two\N{REPLACEMENT CHARACTER}", "three"]
    assert exit_code == 4


def test_a_program_that_is_not_installed_is_named() -> None:
    """With the way to get it."""
    with pytest.raises(MissingToolError, match="`no-such-program` is not installed"):
        RUNNER.run(Command(argv=("no-such-program",)))


def test_a_missing_folder_is_not_blamed_on_the_program(tmp_path: Path) -> None:
    """The program is there; the working directory is not."""
    with pytest.raises(FileNotFoundError, match="gone"):
        RUNNER.run(Command(argv=("git", "status"), cwd=tmp_path / "gone"))


def test_a_program_that_hangs_is_ended() -> None:
    """At its deadline, with a sentence."""
    with pytest.raises(TimedOutError, match="did not end within"):
        RUNNER.run(Command(argv=python("import threading; threading.Event().wait()")), timeout_s=0.2)
