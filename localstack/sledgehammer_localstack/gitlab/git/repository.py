"""Reading a bare repository with git's plumbing commands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sledgehammer.process import Command, Completed, ProcessRunner, run_checked

ZERO_SHA = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_COMMIT_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCommit:
    """One commit; times in ISO 8601 with the zone they were made in."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_at: str
    committer_name: str
    committer_email: str
    committed_at: str
    message: str

    @property
    def title(self) -> str:
        """First line of the message."""
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """A file (`blob`), directory (`tree`) or submodule (`commit`)."""

    mode: str
    kind: str
    sha: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One changed path between two trees, with its patch text."""

    status: str  # A, D, M, R or T
    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    patch: str


@dataclass(frozen=True, slots=True)
class Repository:
    """One bare repository on disk; nothing here changes it."""

    path: Path
    processes: ProcessRunner

    def git(self, *arguments: str, env: Mapping[str, str] | None = None, data: bytes | None = None) -> Completed:
        """Run git and give the result, whatever the exit code."""
        return self.processes.run(self._command(arguments, env, data))

    def git_checked(
        self, *arguments: str, env: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Completed:
        """Run git and demand exit code 0."""
        return run_checked(self.processes, self._command(arguments, env, data))

    def _command(self, arguments: tuple[str, ...], env: Mapping[str, str] | None, data: bytes | None) -> Command:
        return Command(argv=("git", "--git-dir", str(self.path), *arguments), env=env or {}, input_bytes=data)

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag or SHA names, branches before tags; None for none."""
        for candidate in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if candidate.startswith("-"):
                continue
            found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}")
            if found.exit_code == 0:
                return found.text
        return None

    def refs(self, prefix: str) -> dict[str, str]:
        """Full ref names under a prefix (`refs/heads/`) and the object each points at, in the order of names."""
        out = self.git_checked("for-each-ref", "--format=%(refname) %(objectname)", prefix).text
        pairs = (line.rpartition(" ") for line in out.splitlines())
        return {ref: sha for ref, _, sha in pairs}

    def branch_sha(self, branch: str) -> str | None:
        """The commit at the head of a branch."""
        return self.refs(f"refs/heads/{branch}").get(f"refs/heads/{branch}")

    def is_empty(self) -> bool:
        """Whether there is no branch yet. Asks the file system, since lists of projects ask it of each."""
        packed = self.path / "packed-refs"
        if packed.exists() and " refs/heads/" in packed.read_text():
            return not self.refs("refs/heads/")  # it may hold what was deleted since
        return not any(entry.is_file() for entry in (self.path / "refs" / "heads").rglob("*"))

    def commits(
        self, revision: str, *, path: str | None = None, limit: int | None = None, options: tuple[str, ...] = ()
    ) -> list[GitCommit]:
        """The history from a revision on, newest first."""
        arguments = ["log", f"--format={_COMMIT_FORMAT}", *options]
        if limit is not None:
            arguments.append(f"--max-count={limit}")
        arguments += ["--end-of-options", revision, "--", *([path] if path else [])]
        out = self.git_checked(*arguments).stdout.decode(errors="replace")
        return [_commit(entry.lstrip("\n")) for entry in out.split("\x01") if entry.strip()]

    def commit(self, sha: str) -> GitCommit:
        """One commit that is known to exist, by its full SHA."""
        return _read_commit(self, sha)

    def read(self, revision: str, path: str) -> bytes | None:
        """A file's content at a revision, None where there is no such file."""
        found = self.entry(revision, path)
        if found is None or found.kind != "blob":
            return None
        return self.git_checked("cat-file", "blob", found.sha).stdout

    def entry(self, revision: str, path: str) -> TreeEntry | None:
        """The tree entry of one path."""
        found = [entry for entry in self._ls_tree(revision, "--", path.strip("/")) if entry.path == path.strip("/")]
        return found[0] if found else None

    def tree(self, revision: str, path: str = "", *, is_recursive: bool = False) -> list[TreeEntry]:
        """What a directory holds; recursive includes the directories themselves, as GitLab lists them."""
        prefix = path.strip("/")
        options = ["-r", "-t"] if is_recursive else []
        arguments = [*options, revision, "--", *([f"{prefix}/"] if prefix else [])]
        return [entry for entry in self._ls_tree_raw(arguments) if entry.path != prefix]

    def files(self, revision: str) -> list[str]:
        """Every file path at a revision."""
        return [entry.path for entry in self._ls_tree_raw(["-r", revision]) if entry.kind == "blob"]

    def changed_paths(self, before: str, after: str) -> frozenset[str]:
        """Paths that differ between two commits; everything when `before` is the zero SHA."""
        base = EMPTY_TREE if before == ZERO_SHA else before
        out = self.git_checked("diff-tree", "-r", "--name-only", "--no-renames", "-z", base, after).stdout
        return frozenset(part.decode(errors="replace") for part in out.split(b"\0") if part)

    def diff(self, before: str, after: str) -> list[FileChange]:
        """Changed files with their patches."""
        base = EMPTY_TREE if before == ZERO_SHA else before
        out = self.git_checked("diff", "--patch", "--raw", "--abbrev=40", "--find-renames", base, after)
        return _changes(out.stdout.decode(errors="replace"))

    def _ls_tree(self, *arguments: str) -> list[TreeEntry]:
        return self._ls_tree_raw(list(arguments))

    def _ls_tree_raw(self, arguments: list[str]) -> list[TreeEntry]:
        out = self.git_checked("ls-tree", "-z", "--full-tree", *arguments).stdout
        entries = []
        for line in out.split(b"\0"):
            if line:
                meta, path = line.decode(errors="surrogateescape").split("\t", 1)
                mode, kind, sha = meta.split(" ")
                entries.append(TreeEntry(mode=mode, kind=kind, sha=sha, path=path))
        return entries


@lru_cache(maxsize=4096)
def _read_commit(repository: Repository, sha: str) -> GitCommit:
    return repository.commits(sha, limit=1)[0]


def _commit(entry: str) -> GitCommit:
    fields = entry.split("\x00")
    sha, parents, author, author_email, authored, committer, committer_email, committed, message = fields
    return GitCommit(
        sha=sha,
        parents=tuple(parents.split()),
        author_name=author,
        author_email=author_email,
        authored_at=authored,
        committer_name=committer,
        committer_email=committer_email,
        committed_at=committed,
        message=message.removesuffix("\n"),
    )


def _changes(output: str) -> list[FileChange]:
    raw = [line for line in output.splitlines() if line.startswith(":")]
    patches = iter(re.split(r"^diff --git .*\n", output, flags=re.MULTILINE)[1:])
    changes = []
    for line in raw:
        meta, *paths = line.split("\t")
        old_mode, new_mode, _, _, status = meta[1:].split(" ")
        patch = next(patches, "")
        if status == "T":
            patch += next(patches, "")  # a file that became a link: removed, then made
        hunks = patch[patch.find("@@") :] if "\n@@" in patch or patch.startswith("@@") else ""
        changes.append(
            FileChange(
                status=status[0],
                old_path=paths[0],
                new_path=paths[-1],
                old_mode=old_mode,
                new_mode=new_mode,
                patch=hunks,
            )
        )
    return changes
