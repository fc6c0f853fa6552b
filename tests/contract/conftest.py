"""What the tests of both local clouds and of their providers stand on."""

from collections.abc import Iterator
from pathlib import Path

import aws_rehearsal
import pytest
from aws_rehearsal import LocalAws
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


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalAws]:
    """A local AWS for all tests of a file."""
    with aws_rehearsal.serve() as made:
        yield made


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[aws_rehearsal.Rehearsal]:
    """One project's checkout, of which nothing is there yet."""
    with aws_rehearsal.rehearse(cloud, tmp_path) as made:
        yield made
