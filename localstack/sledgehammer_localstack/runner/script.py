"""The shell text of a job: what a shell reads on standard input, as GitLab's runner writes it (`shells/bash.go`)."""

import shlex
from collections.abc import Mapping, Sequence

_GREEN, _RESET = "\x1b[32;1m", "\x1b[0;m"

# The best shell of an image whose contents are unknown: `BashDetectShellScript` of the runner.
DETECT_SHELL = (
    "sh",
    "-c",
    "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh /busybox/sh; do "
    'if [ -x "$shell" ]; then exec "$shell"; fi; done; echo shell not found >&2; exit 1',
)


def job_script(
    commands: Sequence[str],
    *,
    environment: Mapping[str, str],
    files: Mapping[str, str],
    directory: str,
    is_traced: bool = False,
) -> bytes:
    """A script that makes the `files` (path to content), exports the variables and runs the commands in order in
    one shell, each shown in green first; the first that fails ends it with that exit code. `is_traced`: the shell
    shows everything it does (CI_DEBUG_TRACE).

    Commands get an empty standard input: the shell reads the script itself from its own."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines += [line for path, content in files.items() for line in _file_lines(path, content)]
    lines.append(f"cd {shlex.quote(directory)}")
    lines += ["set -o xtrace"] if is_traced else []
    for command in commands:
        lines += [f"printf '%s\\n' {shlex.quote(_shown(command))}", command]
    body = "\n".join(lines) + "\n"
    return (
        'case "$(set -o)" in *pipefail*) set -o pipefail ;; esac\n'
        "set -o errexit\n"
        "set +o noclobber\n"
        f"eval {shlex.quote(body)} < /dev/null\n"
        "exit 0\n"
    ).encode()


def _shown(command: str) -> str:
    first, is_longer, _ = command.partition("\n")
    collapsed = " # collapsed multi-line command" if is_longer else ""
    return f"{_GREEN}$ {first}{collapsed}{_RESET}"


def _file_lines(path: str, content: str) -> list[str]:
    directory = path.rpartition("/")[0]
    return [
        f"mkdir -p {shlex.quote(directory)}",
        f"(umask 077; printf '%s' {shlex.quote(content)} > {shlex.quote(path)})",
    ]
