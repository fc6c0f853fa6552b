"""What git prints of its objects, read as what a branch holds."""

from pathlib import Path

import pytest

from sledgehammer.checkout import read_checkout
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer_gitlab.git_objects import Snapshot
from sledgehammer_gitlab.local_git import LocalGit

PROCESSES = LocalProcessRunner()
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def commit(work: Path, files: dict[bytes, bytes]) -> str:
    """Commit these files, and no others; gives the commit."""
    for path in work.iterdir():
        if path.name != ".git":
            path.unlink()
    for name, content in files.items():
        (work / name.decode(errors="surrogateescape")).write_bytes(content)
    for argv in (("add", "-A"), (*WHO, "commit", "-q", "-m", "change")):
        run_checked(PROCESSES, Command(argv=("git", *argv), cwd=work))
    return run_checked(PROCESSES, Command(argv=("git", "rev-parse", "HEAD"), cwd=work)).text


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_what_two_commits_hold_is_compared_without_the_ci_file(tmp_path: Path, object_format: str) -> None:
    """Names that are no text and content that looks like git's own output do not confuse it."""
    argv = ("git", "init", "-q", f"--object-format={object_format}")
    run_checked(PROCESSES, Command(argv=argv, cwd=tmp_path))
    odd = {b"plain": b"x", b"no\xfftext": b"", b"with space": b"0000 blob 3\nabc\n"}
    first = commit(tmp_path, odd)
    second = commit(tmp_path, {**odd, b".gitlab-ci.yml": b"job: {}\n"})
    third = commit(tmp_path, {**odd, b"plain": b"y"})
    local = LocalGit(read_checkout(tmp_path, runner=PROCESSES), processes=PROCESSES)
    one, two, three = local.snapshots(first, second, third)
    assert isinstance(one, Snapshot)
    assert isinstance(two, Snapshot)
    assert isinstance(three, Snapshot)
    assert (one.ci_text, two.ci_text, three.ci_text) == (None, "job: {}\n", None)
    assert one.has_same_files(two)
    assert two.has_same_files(one)
    assert not one.has_same_files(three)
    assert sorted(one.entries) == sorted(odd)
    (tree,) = local.snapshots(f"{first}^{{tree}}")
    assert tree == one


def test_what_is_not_in_the_object_store_is_none_beside_what_is(tmp_path: Path) -> None:
    """A tip that was never fetched; a folder by the CI file's name is no CI file."""
    run_checked(PROCESSES, Command(argv=("git", "init", "-q"), cwd=tmp_path))
    (tmp_path / ".gitlab-ci.yml").mkdir()
    (tmp_path / ".gitlab-ci.yml" / "a").write_text("x")
    for argv in (("add", "-A"), (*WHO, "commit", "-q", "-m", "first")):
        run_checked(PROCESSES, Command(argv=("git", *argv), cwd=tmp_path))
    checkout = read_checkout(tmp_path, runner=PROCESSES)
    missing, there = LocalGit(checkout, processes=PROCESSES).snapshots("1" * 40, checkout.tree)
    assert missing is None
    assert there is not None
    assert there.ci_text is None
