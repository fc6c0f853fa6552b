"""Quoting for POSIX sh: literals in single quotes, variables in double quotes, so that no value is ever split
or expanded twice."""

import re
import shlex

from sledgehammer.operations import EnvVar, Text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quote(value: Text) -> str:
    """One shell word. An unset variable ends the script (`set -u`), it never becomes an empty string."""
    return "".join(_part(part) for part in value) or "''"


def _part(part: str | EnvVar) -> str:
    if isinstance(part, str):
        return shlex.quote(part)
    if _NAME.fullmatch(part.name) is None:
        raise ValueError(f"{part.name!r} is not the name of a shell variable")
    return f'"${{{part.name}}}"'
