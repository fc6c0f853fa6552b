"""The user's git checkout: what is committed, which is all that is ever sent to a provider."""

from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import ConfigurationError
from sledgehammer.process import Command, ProcessRunner, run_checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A git work tree at one commit. `prefix` is the project's folder below the work tree's root, "" or "a/b/".

    A project in a folder of a larger repository is sent as that folder alone (`tree` is the folder's tree).
    """

    root: Path  # the project's folder
    prefix: str
    commit: str
    tree: str
    branch: str  # "" on a detached HEAD


def read_checkout(root: Path, *, runner: ProcessRunner) -> Checkout:
    """Read the checkout around `root`. Raises ConfigurationError outside git or before the first commit."""
    asked = ("--show-prefix", "HEAD", "HEAD:./", "--symbolic-full-name", "HEAD")
    command = Command(argv=("git", "rev-parse", *asked), cwd=root)
    found = runner.run(command)
    if found.exit_code != 0:
        _demand_commit(root, runner)
        found = run_checked(runner, command)
    prefix, commit, tree, branch = found.stdout.decode(errors="replace").split("\n")[:4]
    return Checkout(
        root=root,
        prefix=prefix,
        commit=commit,
        tree=tree,
        branch=branch.removeprefix("refs/heads/") if branch != "HEAD" else "",
    )


def is_dirty(checkout: Checkout, *, runner: ProcessRunner) -> bool:
    """Whether tracked files differ from the commit. git looks at every file for it, so only who needs it asks."""
    status = ("status", "--porcelain", "--untracked-files=no", "--", ".")
    return bool(run_checked(runner, Command(argv=("git", *status), cwd=checkout.root)).text)


def _demand_commit(root: Path, runner: ProcessRunner) -> None:
    """Raise ConfigurationError where there is none to read."""
    if runner.run(Command(argv=("git", "rev-parse", "--verify", "-q", "HEAD"), cwd=root)).exit_code == 0:
        return
    if runner.run(Command(argv=("git", "rev-parse", "--show-prefix"), cwd=root)).exit_code != 0:
        raise ConfigurationError(f"{root} is not inside a git work tree", hint="git init, add and commit first")
    raise ConfigurationError(f"the git repository of {root} has no commit yet", hint="git add and commit first")


def archive_zip(checkout: Checkout, *, runner: ProcessRunner) -> bytes:
    """The committed files as a zip, as `git archive` makes it: same tree, same bytes (times are the commit's)."""
    command = Command(argv=("git", "archive", "--format=zip", "-0", checkout.commit), cwd=checkout.root)
    return run_checked(runner, command).stdout
