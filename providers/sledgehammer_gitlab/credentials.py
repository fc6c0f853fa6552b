"""Which GitLab, and with which token: environment variables and python-gitlab.cfg, read and never written.

A token is only sent to the server it belongs to: a job's token to the job's GitLab, a section's token of
python-gitlab.cfg to that section's URL. GITLAB_TOKEN goes to the server that is asked for, whichever that is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from gitlab.config import ConfigError, GitlabConfigParser

from sledgehammer.errors import ConfigurationError, CredentialsError
from sledgehammer.secret import Secret

DEFAULT_URL = "https://gitlab.com"


class TokenKind(Enum):
    """How GitLab wants to be told the token."""

    PRIVATE = "private"
    OAUTH = "oauth"
    JOB = "job"

    @property
    def git_user(self) -> str:
        """User name for git over HTTP; with a personal token any does (docs.gitlab.com/topics/git/clone)."""
        return "gitlab-ci-token" if self is TokenKind.JOB else "oauth2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A GitLab server and the token for it. `ca_bundle` "" trusts what the machine trusts."""

    url: str
    token: Secret
    kind: TokenKind
    verify_tls: bool = True
    ca_bundle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """The default section of python-gitlab.cfg."""

    url: str
    token: Secret
    kind: TokenKind
    verify_tls: bool
    ca_bundle: str


def find_access(configured_url: str, variables: Mapping[str, str]) -> Access:
    """Choose server and token. Raises CredentialsError naming every place that was looked at."""
    section = _read_section(variables)
    fallback = section.url if section is not None else DEFAULT_URL
    asked = variables.get("GITLAB_URL") or configured_url or variables.get("CI_SERVER_URL") or fallback
    url = asked.rstrip("/")
    mine = section if section is not None and section.url == url else None
    verify_tls = mine.verify_tls if mine is not None else True
    ca_bundle = mine.ca_bundle if mine is not None else ""
    token, kind = _find_token(url, mine, variables)
    return Access(url=url, token=token, kind=kind, verify_tls=verify_tls, ca_bundle=ca_bundle)


def _find_token(url: str, section: _Section | None, variables: Mapping[str, str]) -> tuple[Secret, TokenKind]:
    if variables.get("GITLAB_TOKEN"):
        return Secret(variables["GITLAB_TOKEN"], source="GITLAB_TOKEN"), TokenKind.PRIVATE
    if section is not None and section.token.reveal():
        return section.token, section.kind
    if variables.get("CI_JOB_TOKEN") and variables.get("CI_SERVER_URL", "").rstrip("/") == url:
        return Secret(variables["CI_JOB_TOKEN"], source="CI_JOB_TOKEN"), TokenKind.JOB
    raise CredentialsError(
        f"no GitLab token for {url}: looked at GITLAB_TOKEN, at the default section of python-gitlab.cfg "
        "and, inside a job of that GitLab, at CI_JOB_TOKEN",
        hint="export GITLAB_TOKEN=… with a personal access token of scope api",
    )


def _read_section(variables: Mapping[str, str]) -> _Section | None:
    files = _config_files(variables)
    if not files:
        return None
    try:
        parsed = GitlabConfigParser(config_files=[str(file) for file in files])
    except ConfigError as error:
        raise ConfigurationError(f"{files[-1]} cannot be used: {error}") from error
    token, kind = parsed.private_token, TokenKind.PRIVATE
    if not token and parsed.oauth_token:
        token, kind = parsed.oauth_token, TokenKind.OAUTH
    if not token and parsed.job_token:
        token, kind = parsed.job_token, TokenKind.JOB
    return _Section(
        url=(parsed.url or DEFAULT_URL).rstrip("/"),
        token=Secret(token or "", source=str(files[-1])),
        kind=kind,
        verify_tls=parsed.ssl_verify is not False,
        ca_bundle=parsed.ssl_verify if isinstance(parsed.ssl_verify, str) else "",
    )


def _config_files(variables: Mapping[str, str]) -> list[Path]:
    """The files that python-gitlab itself would read, in its order."""
    if chosen := variables.get("PYTHON_GITLAB_CFG"):
        if not Path(chosen).is_file():
            raise ConfigurationError(f"PYTHON_GITLAB_CFG names {chosen}, which is not a file")
        return [Path(chosen)]
    home = variables.get("HOME")
    candidates = [Path("/etc/python-gitlab.cfg"), *([Path(home) / ".python-gitlab.cfg"] if home else [])]
    return [file for file in candidates if file.is_file()]
