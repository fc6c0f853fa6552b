"""What the tests of the local GitLab and of its provider stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab_local import LocalGitLab, fresh_gitlab
from gitlab_rehearsal import Recorder, serve


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalGitLab]:
    """A new GitLab server."""
    with fresh_gitlab(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def gitlab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local GitLab for all tests of a file."""
    with serve(tmp_path_factory.mktemp("gitlab")) as found:
        yield found


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Sees every request of the provider."""
    return Recorder(monkeypatch)
