"""A buildspec's phases as one shell program, so that `cd`, exports and functions last from command to command.

The program prints marks between the commands' own output: RS, a nonce, words, US. Where a command ends the
shell itself (`exit`, a syntax error in dash), the rest runs in a new shell that gets the old one's exports and
directory; functions and unexported variables are lost then.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sledgehammer_localstack.aws.codebuild.buildspec import OnFailure, PhaseName, PhaseSpec

_START = b"\x1e"
_END = b"\x1f"
_LONGEST_MARK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """From where a program goes on: command `command` of the phase (of its `finally` block where `in_finally`).

    `phase_ok` is False when a command of this phase failed before, `succeeding` when one of the build did.
    """

    phase: int = 0
    command: int = 0
    in_finally: bool = False
    phase_ok: bool = True
    succeeding: bool = True
    is_resumed: bool = False


def stops_build(phase: PhaseSpec) -> bool:
    """Whether the phases after a failed one are left out.

    https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html: POST_BUILD follows BUILD
    whether or not it failed, nothing follows a failed INSTALL or PRE_BUILD."""
    if phase.on_failure is OnFailure.UNSET:
        return phase.name in (PhaseName.INSTALL, PhaseName.PRE_BUILD)
    return phase.on_failure is OnFailure.ABORT


def render_program(
    phases: Sequence[PhaseSpec], exported: Sequence[str], position: Position, *, nonce: str, state_path: str
) -> str:
    """POSIX shell text from `position` to the end."""
    state = shlex.quote(state_path)
    lines = [
        "exec 2>&1",
        f"__cb_mark() {{ printf '\\036%s %s\\037' {nonce} \"$*\"; }}",
        f"trap '{{ export -p >{state_path}; pwd >{state_path}.cwd; }} 2>/dev/null' EXIT",
    ]
    if position.is_resumed:
        lines += [f"[ ! -f {state} ] || . {state}", f'[ ! -f {state}.cwd ] || cd "$(cat {state}.cwd)"']
    lines += [f"export CODEBUILD_BUILD_SUCCEEDING={int(position.succeeding)}", "__cb_go=1"]
    for number, phase in enumerate(phases):
        if number >= position.phase:
            here = position if number == position.phase else Position()
            lines += _phase_lines(number, phase, here)
    lines += [f'__cb_mark "export {name} ${{{name}-}}"' for name in exported]
    return "\n".join([*lines, '__cb_mark "done"', "trap - EXIT", "exit 0", ""])


def _phase_lines(number: int, phase: PhaseSpec, position: Position) -> list[str]:
    lines = ['if [ "$__cb_go" = 1 ]; then', f"__cb_mark 'phase {number}'", f"__cb_ok={int(position.phase_ok)}"]
    if not position.in_finally:
        for index, command in enumerate(phase.commands[position.command :], position.command):
            lines += ['if [ "$__cb_ok" = 1 ]; then', *_command_lines(f"c {index}", command, "__cb_ok"), "fi"]
    lines.append("__cb_finally=1")
    first = position.command if position.in_finally else 0
    for index, command in enumerate(phase.finally_commands[first:], first):
        lines += ['if [ "$__cb_finally" = 1 ]; then', *_command_lines(f"f {index}", command, "__cb_finally"), "fi"]
    lines += [
        '[ "$__cb_finally" = 1 ] || __cb_ok=0',
        f'__cb_mark "phase-end {number} $__cb_ok"',
        'if [ "$__cb_ok" = 0 ]; then',
        "export CODEBUILD_BUILD_SUCCEEDING=0",
        f"__cb_go={int(not stops_build(phase))}",
        "fi",
        "fi",
    ]
    return lines


def _command_lines(place: str, command: str, flag: str) -> list[str]:
    return [
        f"__cb_mark 'begin {place}'",
        f"eval {shlex.quote(command)}",
        "__cb_status=$?",
        f'__cb_mark "end {place} $__cb_status"',
        f'[ "$__cb_status" = 0 ] || {flag}=0',
    ]


class MarkReader:
    """Splits a program's output into text and marks, whatever the borders of the chunks."""

    def __init__(self, nonce: str, *, on_text: Callable[[bytes], None], on_mark: Callable[[str], None]) -> None:
        self._head = _START + nonce.encode() + b" "
        self._on_text = on_text
        self._on_mark = on_mark
        self._held = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        data = self._held + chunk
        self._held = b""
        while data:
            before, found, rest = data.partition(_START)
            if before:
                self._on_text(before)
            if not found:
                return
            data = self._after_start(rest)

    def finish(self) -> None:
        """The output ended: what looked like a mark and never ended was text."""
        if self._held:
            self._on_text(self._held)
            self._held = b""

    def _after_start(self, rest: bytes) -> bytes:
        """Handle what follows a start byte; gives what is left to read."""
        whole = _START + rest
        if not self._head.startswith(whole[: len(self._head)]):
            self._on_text(_START)
            return rest
        mark, found, after = whole.partition(_END)
        if found:
            self._on_mark(mark[len(self._head) :].decode(errors="replace"))
            return after
        if len(whole) > _LONGEST_MARK:
            self._on_text(whole)
        else:
            self._held = whole
        return b""
