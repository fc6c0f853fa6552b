"""Many projects side by side."""

import threading
from pathlib import Path

import pytest

from sledgehammer.errors import NotFoundError
from sledgehammer.fleet import find_projects, workers

LONGEST_WAIT_S = 30


def test_projects_are_found_by_their_files(tmp_path: Path) -> None:
    """From the folder itself down, by path; neither what is hidden nor what is linked."""
    for name in ("b/web", "a", "a/inner", ".git/copy", "."):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "sledge.yaml").touch()
    (tmp_path / "c").symlink_to(tmp_path / "a")
    (tmp_path / "empty").mkdir()

    assert [str(folder.relative_to(tmp_path)) for folder in find_projects(tmp_path)] == [".", "a", "a/inner", "b/web"]
    with pytest.raises(NotFoundError, match=r"there is no sledge.yaml in .*empty or below"):
        find_projects(tmp_path / "empty")


def test_what_has_begun_is_finished_and_nothing_else_begun_after_an_interrupt() -> None:
    """Ctrl-C among many applies leaves whole projects."""
    begun, may_end, ended = threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        may_end.wait(LONGEST_WAIT_S)
        ended.append("first")

    def interrupted() -> None:
        with workers(1) as pool:
            pool.submit(first)
            begun.wait(LONGEST_WAIT_S)
            pool.submit(ended.append, "second").add_done_callback(lambda _: may_end.set())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ended == ["first"]
