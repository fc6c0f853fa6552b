"""What is read from a git checkout, with real git."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from sledgehammer.checkout import archive_zip, is_dirty, read_checkout
from sledgehammer.errors import ConfigurationError
from sledgehammer.process import LocalProcessRunner

RUNNER = LocalProcessRunner()


def git(folder: Path, *argv: str) -> None:
    """Run git as nobody in particular."""
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
    subprocess.run(["git", *identity, *argv], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit with a file at the root and one in app/."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "README").write_text("hello\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_project_in_a_folder_is_sent_as_that_folder(repository: Path) -> None:
    """The zip of a project in a monorepo holds the folder's files at its top, nothing else."""
    checkout = read_checkout(repository / "app", runner=RUNNER)

    names = zipfile.ZipFile(io.BytesIO(archive_zip(checkout, runner=RUNNER))).namelist()

    assert checkout.prefix == "app/"
    assert names == ["Dockerfile"]


def test_only_committed_files_are_sent(repository: Path) -> None:
    """An uncommitted change makes the checkout dirty and stays at home; the same commit gives the same bytes."""
    checkout = read_checkout(repository, runner=RUNNER)
    was_dirty, before = is_dirty(checkout, runner=RUNNER), archive_zip(checkout, runner=RUNNER)

    (repository / "README").write_text("changed\n")

    assert (was_dirty, is_dirty(checkout, runner=RUNNER)) == (False, True)
    assert archive_zip(checkout, runner=RUNNER) == before


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    """The branch is empty, never the word HEAD."""
    assert read_checkout(repository, runner=RUNNER).branch == "main"
    git(repository, "checkout", "-q", "--detach")
    assert read_checkout(repository, runner=RUNNER).branch == ""


def test_outside_git_and_before_the_first_commit_there_is_one_sentence(tmp_path: Path) -> None:
    """Both name the folder and what to do."""
    with pytest.raises(ConfigurationError, match="is not inside a git work tree"):
        read_checkout(tmp_path, runner=RUNNER)
    git(tmp_path, "init", "-q")
    with pytest.raises(ConfigurationError, match="has no commit yet"):
        read_checkout(tmp_path, runner=RUNNER)
