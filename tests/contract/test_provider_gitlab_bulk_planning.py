"""Plans over many folders at once, as docs/provisioning.md has it."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gitlab_rehearsal import GRAPHQL, Recorder, Rehearsal, rehearse

from sledgehammer.changes import ChangeSet
from sledgehammer.errors import ConfigurationError
from sledgehammer.retry import RetryPolicy
from sledgehammer.session import open_session
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab import bulk_reading
from sledgehammer_gitlab.bulk_planning import plan_in_bulk
from sledgehammer_gitlab.connection import GitLabConnection
from sledgehammer_gitlab.settings import Settings

LONGEST_WAIT_S = 30


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, Settings(project="team/web")) as made:
        yield made


@pytest.fixture
def folders(here: Rehearsal) -> Sequence[Path]:
    """A repository with three projects, of which GitLab has the first and the last."""
    found = [here.work / name for name in ("one", "two", "three")]
    for folder in found:
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        place = f"gitlab: {{project: {here.group}/{folder.name}}}"
        (folder / "sledge.yaml").write_text(f"version: 1\nname: {folder.name}\ncache: {{strategy: none}}\n{place}\n")
    here.git("add", ".")
    here.git("commit", "-q", "-m", "three projects")
    for folder in (found[0], found[2]):
        connect(here, folder).apply(on_change=lambda change: None)
    return found


def connect(here: Rehearsal, folder: Path) -> GitLabConnection:
    connection = open_session(folder, "gitlab", variables=variables(here)).connection
    assert isinstance(connection, GitLabConnection)
    return connection


def variables(here: Rehearsal) -> dict[str, str]:
    return {"GITLAB_URL": here.url, "GITLAB_TOKEN": here.token}


def plan(here: Rehearsal, connections: Iterator[GitLabConnection]) -> Sequence[ChangeSet]:
    return plan_in_bulk(here.group, connections, variables(here), clock=FakeClock(), policy=RetryPolicy())


def test_plans_of_several_folders_share_what_is_read(
    here: Rehearsal, folders: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come in the order of the folders, with one that GitLab does not have among them."""
    alone = [connect(here, folder).plan().changes for folder in folders]
    recorder = Recorder(monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        plans = plan(here, pool.map(lambda folder: connect(here, folder), folders))
    assert [each.changes for each in plans] == alone
    assert [bool(each.pending) for each in plans] == [False, True, False]
    asked = [one.path for one in recorder.exchanges]
    assert asked[:3] == [f"/api/v4/groups/{here.group}/projects", GRAPHQL, GRAPHQL]
    assert not [path for path in asked[3:] if path == GRAPHQL or path.endswith(("%2Fone", "%2Fthree"))]


def test_a_folder_is_planned_while_the_next_is_opened(
    here: Rehearsal, folders: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as there are as many as one query asks for."""
    monkeypatch.setattr(bulk_reading, "MOST_PROJECTS", 1)
    planned = threading.Event()
    plan_knowing = GitLabConnection.plan_knowing

    def watched(connection: GitLabConnection, *known: object) -> ChangeSet:
        planned.set()
        return plan_knowing(connection, *known)  # type: ignore[arg-type]

    monkeypatch.setattr(GitLabConnection, "plan_knowing", watched)

    def opened() -> Iterator[GitLabConnection]:
        yield connect(here, folders[0])
        assert planned.wait(LONGEST_WAIT_S)
        yield connect(here, folders[2])

    assert [each.pending for each in plan(here, opened())] == [(), ()]


def test_a_folder_that_cannot_be_opened_ends_all_plans(here: Rehearsal, folders: Sequence[Path]) -> None:
    """With what is wrong with it."""
    (folders[1] / "sledge.yaml").write_text("version: 1\n")
    with pytest.raises(ConfigurationError, match=r'two/sledge\.yaml:1: the project lacks the key "name"'):
        plan(here, (connect(here, folder) for folder in folders))
