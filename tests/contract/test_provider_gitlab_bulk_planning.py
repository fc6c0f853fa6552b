"""Plans over many folders at once, as docs/provisioning.md has it."""

import logging
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
from sledgehammer_gitlab import bulk_planning, bulk_reading
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
    found = []
    for one in plan_in_bulk(connections, variables(here), clock=FakeClock()):
        assert isinstance(one, ChangeSet)
        found.append(one)
    return found


def test_plans_of_several_folders_share_what_is_read(
    here: Rehearsal, folders: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come in the order of the folders, with one that GitLab does not have among them. Each tells the requests
    that its own apply will send."""
    alone = [connect(here, folder).plan() for folder in folders]
    recorder = Recorder(monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        plans = plan(here, pool.map(lambda folder: connect(here, folder), folders))
    assert [each.changes for each in plans] == [each.changes for each in alone]
    assert [each.calls for each in plans] == [each.calls for each in alone]
    assert [each.read_calls for each in plans] == [each.read_calls for each in alone]
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


def test_a_project_that_cannot_be_planned_stops_no_other(here: Rehearsal, folders: Sequence[Path]) -> None:
    """Its error stands in its place."""
    lacking = f"gitlab: {{project: {here.group}/one, variables: {{KEY: {{from_env: NOT_SET}}}}}}"
    (folders[0] / "sledge.yaml").write_text(f"version: 1\nname: one\ncache: {{strategy: none}}\n{lacking}\n")
    first, second, third = plan_in_bulk(
        (connect(here, folder) for folder in folders), variables(here), clock=FakeClock()
    )
    assert isinstance(first, ConfigurationError)
    assert [isinstance(one, ChangeSet) for one in (second, third)] == [True, True]


def test_a_bug_that_one_plan_meets_stops_no_other(
    here: Rehearsal, folders: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the plan's place, without words that may hold anything."""
    plan_knowing = GitLabConnection.plan_knowing

    def fail_for_one(connection: GitLabConnection, *known: object) -> ChangeSet:
        if connection.target.path.endswith("/one"):
            raise TypeError("s3cret")
        return plan_knowing(connection, *known)  # type: ignore[arg-type]

    monkeypatch.setattr(GitLabConnection, "plan_knowing", fail_for_one)
    connections = (connect(here, folder) for folder in folders)
    first, second, third = plan_in_bulk(connections, variables(here), clock=FakeClock())
    assert "unexpected TypeError" in str(first)
    assert "s3cret" not in str(first)
    assert [isinstance(one, ChangeSet) for one in (second, third)] == [True, True]


def test_projects_of_a_person_and_of_several_groups_are_planned(here: Rehearsal, folders: Sequence[Path]) -> None:
    """What cannot be listed is read one by one."""
    places = [f"root/{here.group}", f"{here.group}/sub/two", f"{here.group}/three"]
    for folder, place in zip(folders, places, strict=True):
        (folder / "sledge.yaml").write_text(
            f"version: 1\nname: project\ncache: {{strategy: none}}\ngitlab: {{project: {place}}}\n"
        )
        connect(here, folder).apply(on_change=lambda change: None)
    assert [each.pending for each in plan(here, (connect(here, folder) for folder in folders))] == [(), (), ()]


def test_a_token_that_gitlab_does_not_take_is_tried_once(
    here: Rehearsal, folders: Sequence[Path], recorder: Recorder
) -> None:
    """For the group; every plan has the error."""
    wrong = {**variables(here), "GITLAB_TOKEN": "glpat-of-nobody"}
    connections = [open_session(folder, "gitlab", variables=wrong).connection for folder in folders]
    plans = plan_in_bulk((one for one in connections if isinstance(one, GitLabConnection)), wrong, clock=FakeClock())
    assert ["wrong, revoked or expired" in str(one) for one in plans] == [True] * 3
    assert len(recorder.exchanges) == 1


def test_a_gitlab_that_gives_no_answer_is_waited_for_once(
    here: Rehearsal, folders: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first group's list, with all its tries; every plan has its error, those of other groups too."""
    monkeypatch.setattr(bulk_planning, "AT_ONCE", 1)
    elsewhere = f"gitlab: {{project: {here.group}/sub/three}}"
    (folders[2] / "sledge.yaml").write_text(f"version: 1\nname: three\ncache: {{strategy: none}}\n{elsewhere}\n")
    here.ask("POST", "/-/faults", {"rules": [{"fault": "reset_before", "path": "^/api/"}]})
    plans = plan_in_bulk((connect(here, folder) for folder in folders), variables(here), clock=FakeClock())
    assert f"/groups/{here.group}/projects: no answer: ConnectionError" in str(plans[0])
    assert plans == [plans[0]] * 3
    assert len(here.ask("GET", "/-/faults")["injected"]) == RetryPolicy().attempts


def test_a_repository_with_uncommitted_files_is_told_of_once(
    here: Rehearsal, folders: Sequence[Path], caplog: pytest.LogCaptureFixture
) -> None:
    """However many of its folders are sent."""
    for folder in folders:
        (folder / "Dockerfile").write_text("FROM scratch\n")
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda folder: connect(here, folder).apply(on_change=lambda change: None), folders))
    told = [record.getMessage() for record in caplog.records if "uncommitted" in record.getMessage()]
    assert [text.split()[0] for text in told] == [str(here.work)]
