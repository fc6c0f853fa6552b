"""Phases run by a real shell of this machine."""

import shutil

import pytest

from sledgehammer_localstack.aws.codebuild.buildspec import PhaseName
from sledgehammer_localstack.aws.codebuild.buildspec_parser import parse_buildspec
from sledgehammer_localstack.aws.codebuild.phase_runner import PhaseRunner
from sledgehammer_localstack.aws.codebuild.process_executor import ProcessExecutor
from sledgehammer_localstack.aws.codebuild.shell_program import MarkReader
from sledgehammer_localstack.aws.codebuild.workspace import Provision


class Recorder:
    """Keeps what a build said."""

    def __init__(self) -> None:
        self.text = b""
        self.ends: list[tuple[PhaseName, str]] = []
        self.commands: list[str] = []
        self.failed: list[tuple[str, int]] = []

    def phase_started(self, phase: PhaseName) -> None:
        self.commands.append(f"<{phase.value}>")

    def phase_ended(self, phase: PhaseName, failure: str) -> None:
        self.ends.append((phase, failure))

    def command_started(self, command: str) -> None:
        self.commands.append(command)

    def command_failed(self, command: str, status: int) -> None:
        self.failed.append((command, status))

    def output(self, chunk: bytes) -> None:
        self.text += chunk


def run(phases: str, *, shell: str = "sh", exported: str = "") -> tuple[Recorder, dict[str, str]]:
    head = f"version: 0.2\nenv:\n  shell: {shell}\n  exported-variables: [{exported}]\nphases:\n"
    recorder = Recorder()
    workspace = ProcessExecutor().open(Provision(build_id="1", image="", privileged=False, env={}))
    runner = PhaseRunner(parse_buildspec(head + phases), workspace, recorder, is_interrupted=lambda: False)
    try:
        runner.run({"GIVEN": "yes"})
    finally:
        workspace.close()
    return recorder, runner.exported


@pytest.fixture(params=["sh", "bash"])
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"this machine has no {request.param}")
    return str(request.param)


def test_one_shell_for_all_phases(shell: str) -> None:
    """`cd`, exports, plain variables and functions last from command to command and from phase to phase."""
    recorder, exported = run(
        """
  install:
    commands: ["cd /usr", "export A=1", "B=2", "say() { echo said $1; }"]
  build:
    commands: ["pwd", "say $A$B$GIVEN"]
""",
        shell=shell,
        exported="A, B, C",
    )
    assert recorder.text == b"/usr\nsaid 12yes\n"
    assert exported == {"A": "1", "B": "2", "C": ""}


def test_failed_build_runs_finally_and_post_build(shell: str) -> None:
    """After a failed command the phase's `finally` and then POST_BUILD run, told that the build is failing."""
    recorder, _ = run(
        """
  build:
    commands: ["false", "echo never"]
    finally: ["echo cleaned"]
  post_build:
    commands: ["echo $CODEBUILD_BUILD_SUCCEEDING"]
""",
        shell=shell,
    )
    assert recorder.text == b"cleaned\n0\n"
    assert recorder.ends == [
        (PhaseName.BUILD, "Error while executing command: false. Reason: exit status 1"),
        (PhaseName.POST_BUILD, ""),
    ]


@pytest.mark.parametrize(
    ("failing", "policy", "follows"),
    [
        ("install", "", False),
        ("pre_build", "", False),
        ("install", "CONTINUE", True),
        ("build", "", True),
        ("build", "ABORT", False),
        ("build", "CONTINUE", True),
    ],
)
def test_on_failure(failing: str, policy: str, follows: bool) -> None:
    """Whether POST_BUILD follows a failed phase is CodeBuild's rule, or the phase's `on-failure`."""
    on_failure = f"    on-failure: {policy}\n" if policy else ""
    recorder, _ = run(f"  {failing}:\n    commands: [exit 3]\n{on_failure}  post_build:\n    commands: [echo after]\n")
    assert recorder.failed == [("exit 3", 3)]
    assert (b"after" in recorder.text) is follows


def test_commands_that_end_the_shell(shell: str) -> None:
    """`exit` and syntax errors end one command only; exports and the directory survive into the new shell."""
    recorder, _ = run(
        """
  install:
    commands: ["export A='a  b'", "cd /usr", "exit 0", "echo $PWD \\"$A\\""]
  build:
    commands: ["if then", "echo never"]
    finally: ["exit 5", "echo never"]
  post_build:
    commands: ["set -e", "false", "echo never"]
""",
        shell=shell,
    )
    assert b"/usr a  b\n" in recorder.text
    assert b"never" not in recorder.text
    assert [command for command, _ in recorder.failed] == ["if then", "exit 5", "false"]
    assert [bool(failure) for _, failure in recorder.ends] == [False, True, True]


def test_both_outputs_in_order(shell: str) -> None:
    """Standard output and standard error come in the order they were written, without the program's marks."""
    recorder, _ = run('  build:\n    commands: ["printf a; printf b >&2; printf c"]\n', shell=shell)
    assert recorder.text == b"abc"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_marks_at_any_chunk_border(size: int) -> None:
    """Marks are found wherever chunks end, and bytes that only look like one stay in the output."""
    text = bytearray()
    marks: list[str] = []
    reader = MarkReader("n0", on_text=text.extend, on_mark=marks.append)
    stream = b"one\x1en0 begin c 0\x1ftwo\x1e\x1fthree\x1enx y\x1f\x1en0 done\x1f\x1en0 open"
    for start in range(0, len(stream), size):
        reader.feed(stream[start : start + size])
    reader.finish()
    assert marks == ["begin c 0", "done"]
    assert bytes(text) == b"onetwo\x1e\x1fthree\x1enx y\x1f\x1en0 open"
