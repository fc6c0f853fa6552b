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
    is_dirty: bool  # tracked files differ from the commit


def read_checkout(root: Path, *, runner: ProcessRunner) -> Checkout:
    """Read the checkout around `root`. Raises ConfigurationError outside git or before the first commit."""

    def git(*argv: str) -> str:
        return run_checked(runner, Command(argv=("git", *argv), cwd=root)).text

    inside = runner.run(Command(argv=("git", "rev-parse", "--show-prefix"), cwd=root))
    if inside.exit_code != 0:
        raise ConfigurationError(f"{root} is not inside a git work tree", hint="git init, add and commit first")
    if runner.run(Command(argv=("git", "rev-parse", "--verify", "-q", "HEAD"), cwd=root)).exit_code != 0:
        raise ConfigurationError(f"the git repository of {root} has no commit yet", hint="git add and commit first")
    prefix = inside.text
    tree = git("rev-parse", f"HEAD:{prefix}" if prefix else "HEAD^{tree}")
    return Checkout(
        root=root,
        prefix=prefix,
        commit=git("rev-parse", "HEAD"),
        tree=tree,
        branch=runner.run(Command(argv=("git", "symbolic-ref", "-q", "--short", "HEAD"), cwd=root)).text,
        is_dirty=bool(git("status", "--porcelain", "--untracked-files=no", "--", ".")),
    )


def archive_zip(checkout: Checkout, *, runner: ProcessRunner) -> bytes:
    """The committed files as a zip, as `git archive` makes it: same tree, same bytes (times are the commit's)."""
    command = Command(argv=("git", "archive", "--format=zip", "-0", checkout.commit), cwd=checkout.root)
    return run_checked(runner, command).stdout
