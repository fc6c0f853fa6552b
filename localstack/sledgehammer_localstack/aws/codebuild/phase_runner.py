"""Running a buildspec's phases in a workspace: starts the shell program, reads its marks, says what happened."""

import io
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from sledgehammer.errors import RemoteError
from sledgehammer_localstack.aws.codebuild.buildspec import Buildspec, PhaseName
from sledgehammer_localstack.aws.codebuild.shell_program import MarkReader, Position, render_program, stops_build
from sledgehammer_localstack.aws.codebuild.workspace import Workspace


class PhaseListener(Protocol):
    """Hears what a build does as it does it."""

    def phase_started(self, phase: PhaseName) -> None: ...

    def phase_ended(self, phase: PhaseName, failure: str) -> None:
        """`failure` is empty, or says which command failed and how."""

    def command_started(self, command: str) -> None: ...

    def command_failed(self, command: str, status: int) -> None: ...

    def output(self, chunk: bytes) -> None: ...


class PhaseRunner:
    """One run of a buildspec's phases. `exported` holds the values of its exported variables afterwards."""

    def __init__(
        self, buildspec: Buildspec, workspace: Workspace, listener: PhaseListener, *, is_interrupted: Callable[[], bool]
    ) -> None:
        self._spec = buildspec
        self._workspace = workspace
        self._listener = listener
        self._is_interrupted = is_interrupted
        self._nonce = secrets.token_hex(8)
        self._position = Position()
        self._open_command: str | None = None
        self._failure = ""
        self._is_done = False
        self._in_phase = False
        self.exported: dict[str, str] = {}

    def run(self, env: Mapping[str, str]) -> None:
        """Run all phases. Raises RemoteError where the shell cannot even be started."""
        while not self._is_done and not self._is_interrupted():
            status = self._run_shell(env)
            if self._is_done or self._is_interrupted():
                return
            if self._open_command is None:
                raise RemoteError(f"the build's shell ended with status {status} between two commands")
            self._command_ended(status)  # the command ended the shell, so its status is the shell's
            self._position = replace(self._position, is_resumed=True)

    def _run_shell(self, env: Mapping[str, str]) -> int:
        control = self._workspace.control_dir
        program = render_program(
            self._spec.phases,
            self._spec.exported_variables,
            self._position,
            nonce=self._nonce,
            state_path=f"{control}/state",
        )
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w:") as archive:
                entry = tarfile.TarInfo("build.sh")
                entry.size, entry.mode = len(program.encode()), 0o600
                archive.addfile(entry, io.BytesIO(program.encode()))
            self._workspace.upload(control, file)
        reader = MarkReader(self._nonce, on_text=self._listener.output, on_mark=self._mark)
        status = self._workspace.run([self._spec.shell, f"{control}/build.sh"], env=env, on_output=reader.feed)
        reader.finish()
        return status

    def _mark(self, words: str) -> None:
        kind, _, rest = words.partition(" ")
        match kind:
            case "phase":
                self._phase_started(int(rest))
            case "begin":
                self._begin(rest)
            case "end":
                self._command_ended(int(rest.split()[2]))
            case "phase-end":
                self._phase_ended(rest.endswith("1"))
            case "export":
                name, _, value = rest.partition(" ")
                self.exported[name] = value
            case "done":
                self._is_done = True

    def _phase_started(self, number: int) -> None:
        if self._in_phase:
            return  # the same phase, in a new shell
        self._in_phase = True
        self._failure = ""
        self._position = Position(phase=number, succeeding=self._position.succeeding)
        self._listener.phase_started(self._spec.phases[number].name)

    def _begin(self, place: str) -> None:
        block, index = place.split()
        self._position = replace(self._position, in_finally=block == "f", command=int(index))
        phase = self._spec.phases[self._position.phase]
        commands = phase.finally_commands if block == "f" else phase.commands
        self._open_command = commands[int(index)]
        self._listener.command_started(self._open_command)

    def _command_ended(self, status: int) -> None:
        command, self._open_command = self._open_command or "", None
        phase = self._spec.phases[self._position.phase]
        self._position = replace(self._position, command=self._position.command + 1)
        if status == 0:
            return
        self._listener.command_failed(command, status)
        self._failure = self._failure or f"Error while executing command: {command}. Reason: exit status {status}"
        following = len(phase.finally_commands) if self._position.in_finally else 0
        self._position = replace(self._position, phase_ok=False, in_finally=True, command=following)

    def _phase_ended(self, is_ok: bool) -> None:
        phase = self._spec.phases[self._position.phase]
        self._in_phase = False
        self._listener.phase_ended(phase.name, "" if is_ok else self._failure)
        following = len(self._spec.phases) if not is_ok and stops_build(phase) else self._position.phase + 1
        self._position = Position(phase=following, succeeding=self._position.succeeding and is_ok)
