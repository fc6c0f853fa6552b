"""What the tests of the GitLab provider stand on."""

from collections.abc import Iterator

import pytest
from gitlab_rehearsal import Recorder, serve


@pytest.fixture(scope="module")
def gitlab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local GitLab for all tests of a file."""
    with serve(tmp_path_factory.mktemp("gitlab")) as found:
        yield found


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Sees every request of the provider."""
    return Recorder(monkeypatch)
