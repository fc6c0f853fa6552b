"""The checkout's object store, by git's plumbing: reads history and writes objects, never refs or the work tree."""

from collections.abc import Sequence

from sledgehammer.checkout import Checkout
from sledgehammer.process import Command, Completed, ProcessRunner, run_checked
from sledgehammer_gitlab.git_objects import Snapshot, read_batch, snapshot
from sledgehammer_gitlab.render import CI_FILE

SOURCE_TRAILER = "Sledge-Source"
"""Trailer of a mirror commit: the commit that it mirrors, and after a colon the folder below its root."""


class LocalGit:
    """Objects of one checkout."""

    def __init__(self, checkout: Checkout, *, processes: ProcessRunner) -> None:
        self._checkout = checkout
        self._processes = processes

    @property
    def source(self) -> str:
        """What a mirror commit of this checkout names as its source."""
        return f"{self._checkout.commit}:{self._checkout.prefix}".removesuffix(":")

    def has_commit(self, commit: str) -> bool:
        """Whether the commit is in the object store."""
        return self._run("cat-file", "-e", f"{commit}^{{commit}}").exit_code == 0

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` contains `ancestor`, or is it."""
        return self._run("merge-base", "--is-ancestor", ancestor, descendant).exit_code == 0

    def is_kept(self, commit: str) -> bool:
        """Whether the commit is in the history of the checkout's own commit or of one of its branches."""
        return self.has_commit(commit) and self.commits_not_kept(commit, limit=1) == ()

    def commits_not_kept(self, tip: str, *, limit: int | None = None) -> tuple[str, ...]:
        """Those of a commit's history that neither the checkout's own nor one of its branches has, newest first."""
        bound = () if limit is None else (f"--max-count={limit}",)
        return tuple(self._text("rev-list", *bound, tip, "--not", self._checkout.commit, "--branches").splitlines())

    def tree_of(self, commit: str, folder: str = "") -> str:
        """The tree of a commit or of a folder in it, "" where it has no such folder."""
        return self._run("rev-parse", "--verify", "--quiet", f"{commit}:{folder}").text

    def ci_text(self, tree: str) -> str | None:
        """The CI file in a tree, None when there is none."""
        found = self._run("cat-file", "blob", f"{tree}:{CI_FILE}")
        return found.stdout.decode(errors="replace") if found.exit_code == 0 else None

    def snapshots(self, *trees: str) -> tuple[Snapshot | None, ...]:
        """The tops of trees or of commits' trees, all by one process; None for one that is not in the object store."""
        asked = [name for tree in trees for name in (f"{tree}^{{tree}}", f"{tree}:{CI_FILE}")]
        answer = self._checked("cat-file", "--batch", input_bytes="".join(f"{name}\n" for name in asked).encode())
        found = read_batch(answer.stdout)
        return tuple(
            None if top is None else snapshot(top, ci_file)
            for top, ci_file in zip(found[::2], found[1::2], strict=True)
        )

    def tree_with_ci_text(self, tree: str, ci_text: str) -> str:
        """The same tree with that CI file, as a tree of the object store."""
        blob = self._text("hash-object", "-w", "--stdin", input_bytes=ci_text.encode())
        listing = self._checked("ls-tree", "-z", "--full-tree", tree).stdout
        entries = [entry for entry in listing.split(b"\0") if entry and entry.split(b"\t", 1)[1] != CI_FILE.encode()]
        entries.append(f"100644 blob {blob}\t{CI_FILE}".encode())
        return self._text("mktree", "-z", input_bytes=b"".join(entry + b"\0" for entry in entries))

    def mirrored(self, commit: str) -> tuple[str, str] | None:
        """The commit and the folder that a mirror commit names; None for any other commit."""
        trailer = self._text("log", "-1", f"--format=%(trailers:key={SOURCE_TRAILER},valueonly)", commit).strip()
        if not trailer:
            return None
        source, _, folder = trailer.partition(":")
        return source, folder

    def log(self, base: str, tip: str, *, limit: int) -> tuple[str, ...]:
        """One line per commit that `tip` has and `base` lacks, newest first."""
        return tuple(self._text("log", "--oneline", f"-{limit}", f"{base}..{tip}").splitlines())

    def commit_mirror(self, tree: str, parents: Sequence[str]) -> str:
        """Write a mirror commit of the checkout.

        Names and dates are those of the mirrored commit, so that the same content becomes the same commit however
        often it is made.
        """
        described = self._text("log", "-1", "--format=%cn%x00%ce%x00%cI%x00%s", self._checkout.commit)
        name, email, date, subject = described.split("\0")
        identity = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", name), ("EMAIL", email), ("DATE", date))
        }
        message = f"{subject}\n\n{SOURCE_TRAILER}: {self.source}\n"
        flags = [part for parent in parents for part in ("-p", parent)]
        return self._text("commit-tree", tree, *flags, input_bytes=message.encode(), env=identity)

    def _text(self, *argv: str, input_bytes: bytes | None = None, env: dict[str, str] | None = None) -> str:
        return self._checked(*argv, input_bytes=input_bytes, env=env).text

    def _checked(self, *argv: str, input_bytes: bytes | None = None, env: dict[str, str] | None = None) -> Completed:
        return run_checked(self._processes, self._command(argv, input_bytes, env))

    def _run(self, *argv: str) -> Completed:
        return self._processes.run(self._command(argv, None, None))

    def _command(self, argv: Sequence[str], input_bytes: bytes | None, env: dict[str, str] | None) -> Command:
        return Command(
            argv=("git", *argv), cwd=self._checkout.root, env={"LC_ALL": "C", **(env or {})}, input_bytes=input_bytes
        )
