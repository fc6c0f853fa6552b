"""How many projects are put together for one query."""

from collections.abc import Iterator

import pytest

from sledgehammer_gitlab import bulk_reading
from sledgehammer_gitlab.bulk_reading import Target, batches
from sledgehammer_gitlab.settings import Settings


def test_projects_of_one_branch_are_put_together_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full batch does not wait for what comes after it; what is left comes at the end, each branch by itself."""
    monkeypatch.setattr(bulk_reading, "MOST_PROJECTS", 2)
    seen: list[str] = []

    def coming() -> Iterator[str]:
        for name in ("main 1", "old 1", "main 2", "main 3", "old 2", "old 3"):
            seen.append(name)
            yield name

    def target(name: str) -> Target:
        return Target(settings=Settings(project="team/web"), branch=name.split(maxsplit=1)[0])

    found = batches(coming(), target_of=target)

    assert next(found) == ["main 1", "main 2"]
    assert seen[-1] == "main 2"
    assert list(found) == [["old 1", "old 2"], ["main 3"], ["old 3"]]
