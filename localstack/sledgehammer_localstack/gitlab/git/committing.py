"""Changing a bare repository: making it, committing file actions, moving refs."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.gitlab.git.repository import ZERO_SHA, Repository

# Appended to the file that `git init` writes: one process instead of one for each setting.
_CONFIG = """\
[core]
	hooksPath = "{hooks}"
[receive]
	advertisePushOptions = true
	denyDeleteCurrent = ignore
[http]
	receivepack = true
[uploadpack]
	allowAnySHA1InWant = true
[gc]
	auto = 0
"""
_GONE = "0"  # the mode that takes an entry out of the index


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAction:
    """One of create, update, delete, move, chmod on a path."""

    action: str
    path: str
    content: bytes = b""
    has_content: bool = False  # a move may change the content too
    previous_path: str = ""
    is_executable: bool | None = None
    last_commit_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorship:
    """Who writes and who commits."""

    author_name: str
    author_email: str
    committer_name: str
    committer_email: str

    def environment(self) -> Mapping[str, str]:
        """As git reads it."""
        return {
            "GIT_AUTHOR_NAME": self.author_name,
            "GIT_AUTHOR_EMAIL": self.author_email,
            "GIT_COMMITTER_NAME": self.committer_name,
            "GIT_COMMITTER_EMAIL": self.committer_email,
        }


def make_repository(path: Path, processes: ProcessRunner, *, default_branch: str, hooks: Path) -> Repository:
    """A new empty bare repository that takes push options and runs the server's hooks."""
    argv = ("git", "init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(path))
    run_checked(processes, Command(argv=argv))
    with (path / "config").open("a") as file:
        file.write(_CONFIG.format(hooks=hooks))
    return Repository(path, processes)


def commit_actions(
    repository: Repository,
    *,
    branch: str,
    parent: str | None,
    message: str,
    actions: Sequence[FileAction],
    authorship: Authorship,
    overwrites: bool = False,
) -> str:
    """Commit the actions on top of `parent` and move the branch there; gives the new commit's SHA.

    With `overwrites` the branch may be anywhere before.
    Raises ConflictError with GitLab's sentence where an action does not fit the tree or the branch has moved.
    """
    with tempfile.TemporaryDirectory() as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        if parent is not None:
            repository.git_checked("read-tree", parent, env=env)
        for action in actions:
            _apply(repository, action, parent, env)
        tree = repository.git_checked("write-tree", env=env).text
    parents = ("-p", parent) if parent else ()
    identity = authorship.environment()
    sha = repository.git_checked("commit-tree", tree, *parents, env=identity, data=message.encode()).text
    expected = repository.branch_sha(branch) or ZERO_SHA
    if parent is not None and expected not in (ZERO_SHA, parent) and not overwrites:
        raise ConflictError("Could not update the branch because it has moved. Please refresh and try again.")
    moved = repository.git("update-ref", f"refs/heads/{branch}", sha, expected)
    if moved.exit_code != 0:
        raise ConflictError("Could not update the branch because it has moved. Please refresh and try again.")
    return sha


def _apply(repository: Repository, action: FileAction, parent: str | None, env: Mapping[str, str]) -> None:
    _check_path(action.path)
    present = _mode_and_blob(repository, action.path, env)
    if action.last_commit_id and parent is not None:
        touched = repository.commits(parent, path=action.path, limit=1)
        if touched and touched[0].sha != action.last_commit_id:
            raise ConflictError("The file has changed since you started editing it.")
    if action.action == "create":
        if present is not None:
            raise ConflictError("A file with this name already exists")
        _put(repository, action, "100755" if action.is_executable else "100644", env)
        return
    if action.action == "move":
        _move(repository, action, env)
        return
    if present is None:
        raise NotFoundError("A file with this name doesn't exist")
    mode, blob = present
    if action.action == "update":
        _put(repository, action, mode, env)
    elif action.action == "delete":
        _set_entry(repository, action.path, _GONE, ZERO_SHA, env)
    else:
        wanted = "100755" if action.is_executable else "100644"
        _set_entry(repository, action.path, wanted, blob, env)


def _move(repository: Repository, action: FileAction, env: Mapping[str, str]) -> None:
    source = _mode_and_blob(repository, action.previous_path, env)
    if source is None:
        raise NotFoundError("A file with this name doesn't exist")
    if _mode_and_blob(repository, action.path, env) is not None:
        raise ConflictError("A file with this name already exists")
    mode, blob = source
    _set_entry(repository, action.previous_path, _GONE, ZERO_SHA, env)
    if action.has_content:
        _put(repository, action, mode, env)
    else:
        _set_entry(repository, action.path, mode, blob, env)


def _put(repository: Repository, action: FileAction, mode: str, env: Mapping[str, str]) -> None:
    blob = repository.git_checked("hash-object", "-w", "--stdin", data=action.content).text
    _set_entry(repository, action.path, mode, blob, env)


def _set_entry(repository: Repository, path: str, mode: str, blob: str, env: Mapping[str, str]) -> None:
    entry = f"{mode} {blob}\t{path}\0".encode()
    repository.git_checked("update-index", "-z", "--index-info", env=env, data=entry)


def _mode_and_blob(repository: Repository, path: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    listed = repository.git_checked("ls-files", "--stage", "-z", "--", f":(literal,top){path}", env=env).stdout
    for line in listed.decode(errors="surrogateescape").split("\0"):
        meta, _, name = line.partition("\t")
        if name == path:
            mode, blob, _ = meta.split(" ")
            return mode, blob
    return None


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise ConflictError(f"path is not allowed: {path}" if path else "You must provide a file path")
