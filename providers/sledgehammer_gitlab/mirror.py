"""What GitLab's branch shall hold: the checkout's committed files and the CI file, and how it gets there.

GitLab's branch moves forward only. It holds either commits of the checkout itself, or mirror commits on top,
which carry the CI file and name in a trailer the commit that they mirror. Any other commit is somebody's work.
"""

from dataclasses import dataclass

from sledgehammer.checkout import Checkout
from sledgehammer.errors import ConflictError
from sledgehammer_gitlab.ci_merge import CiText, ci_text_for
from sledgehammer_gitlab.git_objects import Snapshot
from sledgehammer_gitlab.git_remote import GitRemote
from sledgehammer_gitlab.local_git import SOURCE_TRAILER, LocalGit

SHOWN_COMMITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """GitLab's branch against the checkout. `tip` and `tip_source` (the commit that a person knows it by) are ""
    when there is no branch."""

    tip: str
    tip_source: str
    tree: str  # as it shall be; "" where nothing is to be sent
    wanted: CiText
    ci_text: str | None  # as it is; None for no CI file
    is_content_same: bool
    is_ci_file_same: bool

    @property
    def is_same(self) -> bool:
        """Whether nothing is to be sent."""
        return self.is_content_same and self.is_ci_file_same


class Mirror:
    """One checkout and one branch of one project on GitLab."""

    def __init__(
        self,
        checkout: Checkout,
        *,
        ci_text: str,
        path: str,
        branch: str,
        local: LocalGit,
        remote: GitRemote,
        brings_ci_file: bool = True,
    ) -> None:
        self._checkout = checkout
        self._ci_text = ci_text
        self._path = path
        self._branch = branch
        self._local = local
        self._remote = remote
        self.brings_ci_file = brings_ci_file  # False: pushes leave GitLab's as it is

    def compare(self, tip: str) -> Comparison:
        """Compare the branch's tip ("" for no branch) with the checkout.

        A CI file of the checkout's own is kept, with our job in it. Raises ConflictError where that cannot be, or when
        the branch has commits that the checkout lacks.
        """
        own, *there = self._local.snapshots(self._checkout.tree, *((tip,) if tip else ()))
        wanted = ci_text_for(None if own is None else own.ci_text, self._ci_text)
        if own is not None and any(_holds_all(one, own, wanted) for one in there):
            return _comparison(tip, "", wanted, is_same=True)
        tree = self._tree_as_wanted(wanted)
        if not tip:
            return _comparison(tip, tree, wanted, is_same=False)
        self._bring(tip, self._branch)
        tip_tree = self._local.tree_of(tip)
        found = self._local.ci_text(tip_tree)
        if not self.brings_ci_file and found is not None:
            tree = self._local.tree_with_ci_text(self._checkout.tree, found)
        if tip_tree != tree:
            self._check_descent(tip)
        mirrored = self._local.mirrored(tip)
        return Comparison(
            tip=tip,
            tip_source=tip if mirrored is None else mirrored[0],
            tree=tree,
            wanted=wanted,
            ci_text=found,
            is_content_same=self._local.tree_with_ci_text(tip_tree, wanted.text)
            == self._local.tree_with_ci_text(self._checkout.tree, wanted.text),
            is_ci_file_same=found == wanted.text,
        )

    def send(self, comparison: Comparison) -> None:
        """Push what the comparison found missing. Raises ConflictError when the branch moved since."""
        parents = self._parents(comparison.tip)
        commit = self._checkout.commit
        if parents != (commit,) or self._local.tree_of(commit) != comparison.tree:
            commit = self._local.commit_mirror(comparison.tree, parents)
        self._remote.push(commit, self._branch)

    def came_from_here(self, tip: str, branch: str, *, message: str) -> bool:
        """Whether all of a branch of GitLab's is in this checkout's own branches, or is a mirror of what is, unchanged.
        `message` is the tip's: a tip that is neither here nor says that it is a mirror is not fetched."""
        if not self._local.has_commit(tip) and SOURCE_TRAILER not in message:
            return False
        self._bring(tip, branch)
        return all(self._is_faithful(commit) for commit in self._local.commits_not_kept(tip))

    def _is_faithful(self, commit: str) -> bool:
        """Whether a commit is a mirror of one of this checkout's, with nothing of its own but the CI file."""
        source, folder = self._local.mirrored(commit) or ("", "")
        if not source or folder != self._checkout.prefix or not self._local.is_kept(source):
            return False
        own, there = self._local.snapshots(self._local.tree_of(source, folder), commit)
        return own is not None and there is not None and there.has_same_files(own)

    def _tree_as_wanted(self, wanted: CiText) -> str:
        own = self._checkout.tree
        return self._local.tree_with_ci_text(own, wanted.text) if self.brings_ci_file else own

    def _parents(self, tip: str) -> tuple[str, ...]:
        """The newest of GitLab's branch and the checkout, both where they have parted. A folder of a larger
        repository is sent without that repository's history."""
        if self._checkout.prefix:
            return (tip,) if tip else ()
        own = self._checkout.commit
        if not tip or self._local.is_ancestor(tip, own):
            return (own,)
        return (tip,) if self._local.is_ancestor(own, tip) else (tip, own)

    def _bring(self, tip: str, branch: str) -> None:
        if self._local.has_commit(tip):
            return
        self._remote.fetch(branch)
        if not self._local.has_commit(tip):
            raise ConflictError(
                f"branch {branch} of {self._path} moved on while it was read", hint="run the command again"
            )

    def _check_descent(self, tip: str) -> None:
        """The branch may be replaced when all of it is in the checkout, or is a mirror of what is."""
        own, folder = self._checkout.commit, self._checkout.prefix
        mirrored = self._local.mirrored(tip)
        if mirrored is not None:
            source, source_folder = mirrored
            if source_folder == folder and self._local.is_ancestor(source, own):
                return
        elif not folder and self._local.is_ancestor(tip, own):
            return
        lacking = self._local.log(own, tip, limit=SHOWN_COMMITS)
        hint = "git pull first" if not folder else "bring them into this checkout first, or choose another project"
        raise ConflictError(
            f"GitLab's {self._branch} of {self._path} has commits that this checkout lacks: {'; '.join(lacking)}",
            hint=f"{hint} (from {self._path})",
        )


def _holds_all(there: Snapshot | None, own: Snapshot, wanted: CiText) -> bool:
    """Whether the branch is as it shall be, found without writing an object: the plan that finds nothing to do is the
    one that is made most often."""
    return there is not None and there.ci_text == wanted.text and there.has_same_files(own)


def _comparison(tip: str, tree: str, wanted: CiText, *, is_same: bool) -> Comparison:
    """Where all is as it shall be, or nothing is there."""
    return Comparison(
        tip=tip,
        tip_source=tip,
        tree=tree,
        wanted=wanted,
        ci_text=wanted.text if is_same else None,
        is_content_same=is_same,
        is_ci_file_same=is_same,
    )
