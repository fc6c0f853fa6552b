"""GitLab's side of git over smart HTTP: fetch and push with the API's token, which only git's environment sees."""

import base64
import re
from pathlib import Path

from sledgehammer.errors import ConflictError, CredentialsError, RemoteError, SledgehammerError
from sledgehammer.polling import Clock
from sledgehammer.process import Command, ProcessRunner
from sledgehammer.retry import Retry, RetryPolicy, call_with_retry, parse_retry_after
from sledgehammer_gitlab.credentials import Access

TIMEOUT_S = 900.0

# curl sends a request again by itself when a kept connection turns out dead (the last alternatives): if the first
# one had its effect, the second finds the branch moved, and the next push finds everything up to date.
_TRANSIENT = re.compile(
    r"returned error: (429|5\d\d)|Connection (reset|refused|timed out)|Recv failure|Empty reply|early EOF|"
    r"unexpected disconnect|hung up unexpectedly|RPC failed|Could not resolve host|Failed to connect|"
    r"cannot lock ref|failed to update ref|incorrect old value"
)
_THROTTLED = "returned error: 429"
_REFUSED = re.compile(r"Authentication failed|could not read Username|returned error: 40[13]|Access denied")


_TRACED = re.compile(r"^\d\d:\d\d:\d\d\.\d+ \S+:\d+ .*\n?", re.MULTILINE)
_RETRY_AFTER = re.compile(r"<= Recv header: retry-after: (.+)", re.IGNORECASE)
LONGEST_SAID = 2000


class GitFailedError(Exception):
    """One git call that failed; carries its error output to the retry policy and never leaves this module.

    `retry_after` is the header of that name in the last answer, "" where it had none.
    """

    def __init__(self, stderr: str) -> None:
        """Git tells headers in lines of its trace alone, which are not for a person."""
        super().__init__(_TRACED.sub("", stderr).strip()[-LONGEST_SAID:])
        self.retry_after = (_RETRY_AFTER.findall(stderr) or [""])[-1]


class GitRemote:
    """One project's repository on GitLab."""

    def __init__(
        self, access: Access, path: str, *, folder: Path, processes: ProcessRunner, clock: Clock, policy: RetryPolicy
    ) -> None:
        self._access = access
        self._path = path
        self._url = f"{access.url}/{path}.git"
        self._folder = folder
        self._processes = processes
        self._clock = clock
        self._policy = policy

    def fetch(self, branch: str) -> None:
        """Bring a branch's objects into the checkout's object store; no ref is touched."""
        flags = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
        self._git("fetch", *flags, self._url, f"refs/heads/{branch}")

    def push(self, commit: str, branch: str) -> None:
        """Move a branch forward to a commit, without starting a pipeline; safe to repeat.

        Raises ConflictError when the branch has moved on meanwhile. Never forces.
        """
        flags = ("--quiet", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "-o", "ci.skip")
        self._git("push", *flags, self._url, f"{commit}:refs/heads/{branch}")

    def _git(self, *argv: str) -> None:
        command = Command(argv=("git", *argv), cwd=self._folder, env=self._environment())
        name = f"git {argv[0]} of {self._path}"

        def once() -> None:
            done = self._processes.run(command, timeout_s=TIMEOUT_S)
            if done.exit_code != 0:
                raise GitFailedError(done.stderr.decode(errors="replace"))

        try:
            call_with_retry(once, name=name, classify=self._classify, policy=self._policy, clock=self._clock)
        except GitFailedError as error:
            raise self._explain(name, str(error)) from error

    def _classify(self, error: BaseException) -> Retry | None:
        if not isinstance(error, GitFailedError) or not _TRANSIENT.search(str(error)):
            return None
        after_s = parse_retry_after(error.retry_after, now=self._clock.now())
        return Retry(cause="throttle" if _THROTTLED in str(error) else "transient", after_s=after_s)

    def _explain(self, name: str, said: str) -> SledgehammerError:
        if _REFUSED.search(said):
            return CredentialsError(
                f"{name}: GitLab refused the token from {self._access.token.source}: {said}",
                hint="it needs scope api or write_repository, its user at least the role Maintainer",
            )
        if "[rejected]" in said:
            return ConflictError(f"{name}: the branch has moved meanwhile: {said}", hint="run sledge plan again")
        if "[remote rejected]" in said:
            return ConflictError(f"{name}: GitLab did not take the push: {said}", hint="see the remote: lines above")
        return RemoteError(f"{name}: {said}", hint="run the command again later")

    def _environment(self) -> dict[str, str]:
        """Configuration for one call of git, by its environment, since an argument can be read by every user of
        the machine. Whatever else could supply a password or run a hook is off."""
        basic = f"{self._access.kind.git_user}:{self._access.token.reveal()}".encode()
        settings = [
            (f"http.{self._access.url}/.extraHeader", f"Authorization: Basic {base64.b64encode(basic).decode()}"),
            ("credential.helper", ""),
            ("core.askPass", ""),
            ("core.hooksPath", "/dev/null"),
        ]
        if self._access.ca_bundle:
            settings.append(("http.sslCAInfo", self._access.ca_bundle))
        if not self._access.verify_tls:
            settings.append(("http.sslVerify", "false"))
        numbered = {
            f"GIT_CONFIG_{part}_{index}": value
            for index, setting in enumerate(settings)
            for part, value in zip(("KEY", "VALUE"), setting, strict=True)
        }
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "LC_ALL": "C"}
        traced = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
        return {**quiet, **traced, **numbered, "GIT_CONFIG_COUNT": str(len(settings))}
