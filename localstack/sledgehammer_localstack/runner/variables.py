"""A job's variables: which wins, how references are expanded, what is a secret."""

import re
from collections.abc import Iterable
from dataclasses import replace

from sledgehammer_localstack.runner.failure import unsupported
from sledgehammer_localstack.runner.payload import Variable

_REFERENCE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*)|([*#$@!?\-0-9]))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class JobVariables:
    """Variables in rising precedence: of two with one key the later wins. `file_dir` is where file variables lie.

    References follow Go's `os.Expand` with the runner's rules (`common/variables.go`): `$NAME` and `${NAME}` in a
    value that is not raw, one pass, `$$` for a dollar sign, nothing for an unknown name."""

    def __init__(self, variables: Iterable[Variable], *, file_dir: str) -> None:
        latest: dict[str, Variable] = {}
        for variable in variables:
            if not _NAME.fullmatch(variable.key):
                raise unsupported(f"a variable named `{variable.key}`: no shell takes that name")
            latest.pop(variable.key, None)
            latest[variable.key] = variable
        self._by_key = latest
        self.file_dir = file_dir

    def expanded(self) -> "JobVariables":
        """The same variables with the references in their values resolved."""
        resolved = [
            variable if variable.is_raw else replace(variable, value=self.expand(variable.value), is_raw=True)
            for variable in self._by_key.values()
        ]
        return JobVariables(resolved, file_dir=self.file_dir)

    def expand(self, text: str) -> str:
        """`text` with references to these variables resolved."""
        return _REFERENCE.sub(lambda match: self._reference(match[1], match[2], match[3]), text)

    def _reference(self, braced: str | None, plain: str | None, special: str | None) -> str:
        if special is not None:
            return "$" if special == "$" else ""
        return self.get(braced or plain or "")

    def get(self, key: str, default: str = "") -> str:
        """Value of a variable, the path for a file variable."""
        variable = self._by_key.get(key)
        if variable is None:
            return default
        return f"{self.file_dir}/{key}" if variable.is_file else variable.value

    def has_true(self, key: str, *, default: bool) -> bool:
        """A switch as GitLab reads it: `true`, `1`, `t`; empty means `default`."""
        value = self.get(key).strip().lower()
        return value in {"1", "t", "true"} if value else default

    def environment(self) -> dict[str, str]:
        """Every variable as a process sees it."""
        return {key: self.get(key) for key in self._by_key}

    def public_environment(self) -> dict[str, str]:
        """What services see: no project or group variables (GitLab's page "Services", "Passing variables")."""
        return {key: self.get(key) for key, variable in self._by_key.items() if variable.is_public}

    def files(self) -> dict[str, str]:
        """Contents of file variables by the path where the job expects them."""
        return {f"{self.file_dir}/{key}": variable.value for key, variable in self._by_key.items() if variable.is_file}

    def secrets(self) -> tuple[str, ...]:
        """Values that must not show in the log."""
        return tuple(variable.value for variable in self._by_key.values() if variable.is_masked)
