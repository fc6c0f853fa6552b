"""A new project that GitLab fills from another repository (Projects API, `import_url`), and waiting for that.

The address with its credentials goes in the body of the request that makes the project, and nowhere else: what GitLab
tells of a failure is shown without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from sledgehammer.errors import ConfigurationError, ConflictError, RemoteError
from sledgehammer.polling import Clock, poll_until
from sledgehammer.secret import Secret
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.import_settings import ImportFrom
from sledgehammer_gitlab.paths import project_path

FINISHED, FAILED = "finished", "failed"
UNDER_WAY = ("scheduled", "started")
"""Statuses (Project import and export API, "Import status"); `none` is that of a project that was not imported."""

INTERVAL_S, LONGEST_INTERVAL_S = 2.0, 15.0


def import_password(wanted: ImportFrom | None, environment: Mapping[str, str]) -> Secret | None:
    """From this environment; None where it has none, which matters only once a project is made."""
    name = wanted.password_from_env if wanted is not None else None
    return Secret(environment[name], source=name) if name is not None and name in environment else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectImport:
    """The import of one project by its path."""

    api: Api
    clock: Clock
    path: str
    wanted: ImportFrom
    password: Secret | None

    def check_credentials(self) -> None:
        """Raise ConfigurationError where the password is to come from this environment and does not."""
        name = self.wanted.password_from_env
        if name is not None and self.password is None:
            raise ConfigurationError(
                f"the import of {self.wanted.url} takes its password from the environment variable {name}, "
                "which is not set here",
                hint=f"export {name}=…",
            )

    def address(self) -> str:
        """With the credentials, for the body of a request alone."""
        if self.password is None:
            return self.wanted.url
        parts = urlsplit(self.wanted.url)
        login = f"{quote(self.wanted.username, safe='')}:{quote(self.password.reveal(), safe='')}"
        return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))

    def check_not_failed(self, row: Json) -> None:
        """Raise ConflictError for a project whose import has failed: GitLab does not try a second time."""
        if row.get("import_status") == FAILED:
            told = self._told(self._read())
            raise ConflictError(f"{self.path} is there, but {told}", hint=_MEND)

    def wait(self) -> None:
        """Until all is there. Raises RemoteError with GitLab's own words where the import has failed, TimedOutError
        past `wait_minutes`: the next apply waits on."""
        row = poll_until(
            self._read,
            what=f"the import of {self.wanted.url} into {self.path}",
            is_final=lambda row: row["import_status"] not in UNDER_WAY,
            interval_s=INTERVAL_S,
            longest_interval_s=LONGEST_INTERVAL_S,
            deadline_s=self.wanted.wait_minutes * 60,
            clock=self.clock,
        )
        if row["import_status"] == FAILED:
            raise RemoteError(f"{self.path} was made, but {self._told(row)}", hint=_MEND)

    def _read(self) -> Json:
        return self.api.get(f"{project_path(self.path)}/import")

    def _told(self, row: Json) -> str:
        said = str(row.get("import_error") or "GitLab gives no reason")
        if self.password is not None:
            for text in (self.password.reveal(), quote(self.password.reveal(), safe="")):
                said = said.replace(text, "***")
        return f"GitLab could not import {self.wanted.url}: {said}"


_MEND = "mend that, take the project away (sledge destroy -p gitlab --yes), and apply again"
