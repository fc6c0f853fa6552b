"""The working copy of a job: fetched with git here, with the job's token, then handed to the executor."""

import base64
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sledgehammer.errors import SledgehammerError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError, unsupported
from sledgehammer_localstack.runner.payload import GitInfo
from sledgehammer_localstack.runner.variables import JobVariables

_REFUSED = (
    "GIT_CLONE_PATH",
    "GIT_FETCH_EXTRA_FLAGS",
    "GIT_SUBMODULE_DEPTH",
    "GIT_SUBMODULE_PATHS",
    "GIT_SUBMODULE_UPDATE_FLAGS",
    "GIT_SUBMODULE_FORCE_HTTPS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """What a job's variables ask of git. No strategy leaves files of an earlier job behind: a working copy never
    outlives its job here, so `fetch` starts from nothing like `clone`."""

    has_sources: bool
    depth: int
    has_checkout: bool
    has_submodules: bool


def plan_sources(git: GitInfo, variables: JobVariables) -> SourcePlan:
    """Read GIT_STRATEGY, GIT_DEPTH, GIT_CHECKOUT and GIT_SUBMODULE_STRATEGY; others are refused by name."""
    for name in _REFUSED:
        if variables.get(name):
            raise unsupported(f"the variable {name}")
    strategy = variables.get("GIT_STRATEGY") or "fetch"
    if strategy not in {"clone", "fetch", "none", "empty"}:
        raise unsupported(f"GIT_STRATEGY `{strategy}` (known: clone, fetch, none, empty)")
    submodules = variables.get("GIT_SUBMODULE_STRATEGY") or "none"
    if submodules not in {"none", "normal"}:
        raise unsupported(f"GIT_SUBMODULE_STRATEGY `{submodules}` (known: none, normal)")
    depth = variables.get("GIT_DEPTH")
    if depth and not depth.isdecimal():
        raise unsupported(f"GIT_DEPTH `{depth}`: it is not a number")
    return SourcePlan(
        has_sources=strategy in {"clone", "fetch"},
        depth=int(depth) if depth else git.depth,
        has_checkout=variables.has_true("GIT_CHECKOUT", default=True),
        has_submodules=submodules == "normal",
    )


def fetch_sources(
    git: GitInfo,
    plan: SourcePlan,
    *,
    token: Secret,
    into: Path,
    runner: ProcessRunner,
    timeout_s: float,
    say: Callable[[str], None],
) -> None:
    """Fetch the job's refspecs into the empty directory `into` and check its commit out.

    The token reaches git by the environment, never by an argument or the working copy's configuration. Raises
    JobFailedError when the server does not give the commit."""
    env = _git_environment(git.repo_url, token)

    def run(*argv: str) -> str:
        command = Command(argv=("git", *argv), cwd=into, env=env)
        return run_checked(runner, command, timeout_s=timeout_s).text

    depth = ["--depth", str(plan.depth)] if plan.depth else []
    try:
        run("init", "--quiet", "--initial-branch=main")
        run("remote", "add", "origin", git.repo_url)
        say(f"Fetching changes{f' with git depth set to {plan.depth}' if plan.depth else ''}...")
        run("fetch", "--quiet", "--prune", "--force", *depth, "origin", *git.refspecs)
        if not plan.has_checkout:
            return
        run("checkout", "--quiet", "--force", "--detach", git.sha)
        say(f"Checking out {git.sha[:8]} as detached HEAD (ref is {git.ref})...")
        if plan.has_submodules:
            say("Updating/initializing submodules...")
            run("submodule", "sync", "--quiet")
            run("submodule", "update", "--init", "--quiet", *depth)
    except SledgehammerError as error:
        raise JobFailedError(f"getting the sources: {error.message}", reason=FailureReason.SYSTEM) from error


def tracked_files(directory: Path, *, runner: ProcessRunner) -> frozenset[str]:
    """Paths that git knows in a working copy."""
    done = run_checked(runner, Command(argv=("git", "ls-files", "-z"), cwd=directory))
    return frozenset(path.decode(errors="surrogateescape") for path in done.stdout.split(b"\0") if path)


def pack(directory: Path, tar: tarfile.TarFile) -> None:
    """Add a working copy to a tar, open for every user as GitLab's runner leaves it (it clones with umask 0)."""

    def opened(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        is_program = member.isdir() or member.mode & 0o100
        member.mode = 0o777 if is_program else 0o666
        return member

    for child in sorted(directory.iterdir()):
        tar.add(child, arcname=child.name, filter=opened)


def _git_environment(repo_url: str, token: Secret) -> dict[str, str]:
    parts = urlsplit(repo_url)
    basic = base64.b64encode(f"gitlab-ci-token:{token.reveal()}".encode()).decode()
    return {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }
