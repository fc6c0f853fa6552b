"""The one error tree: each class is a different thing for the reader to do, and carries its exit code.

Exit codes of `sledge`: 0 done or nothing to do, 1 unexpected (a bug shows its traceback), 2 `plan`, `drift`
or `destroy` found something to do, 3 wrong usage or configuration, 4 credentials, 5 not found, 6 conflict,
7 the remote side failed, 8 timed out, 9 the build failed, 10 something is missing on this machine, 130 interrupted.
"""

from typing import ClassVar


class SledgehammerError(Exception):
    """An expected failure: one sentence (what was tried on what, what came back) and a hint what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class ConfigurationError(SledgehammerError):
    """Something the user wrote is wrong: `sledge.yaml`, a Dockerfile, a flag. Names file:line where it can."""

    exit_code = 3


class NoSectionError(ConfigurationError):
    """A project's `sledge.yaml` says nothing of a provider."""


class CredentialsError(SledgehammerError):
    """No credential, a wrong one, or one without the right."""

    exit_code = 4


class NotFoundError(SledgehammerError):
    """The named object does not exist on the remote side (or may not be seen)."""

    exit_code = 5


class ConflictError(SledgehammerError):
    """The world is not as it was planned for: somebody else's object, or foreign commits."""

    exit_code = 6


class RemoteError(SledgehammerError):
    """The remote side answered with a failure that retries did not cure."""

    exit_code = 7


class UnreachableError(RemoteError):
    """No answer, or one that is not the remote side's: its other addresses have none either."""


class TimedOutError(SledgehammerError):
    """A deadline passed; what was waited for may still be running."""

    exit_code = 8


class BuildFailedError(SledgehammerError):
    """The build ran and failed."""

    exit_code = 9


class MissingToolError(SledgehammerError):
    """This machine lacks a program, a package or a right; the hint is the command that brings it."""

    exit_code = 10


def file_problem(error: OSError | UnicodeError) -> str:
    """Why a file could not be read or written, for a sentence that names it: without its path and errno."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
