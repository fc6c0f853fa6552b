"""The CI file by merge request, against the local GitLab."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action
from sledgehammer.errors import ConflictError
from sledgehammer_gitlab.settings import CiFileSettings, Settings, Via

PROPOSED = Settings(project="team/sub/web", ci_file=CiFileSettings(via=Via.MERGE_REQUEST))


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, PROPOSED) as made:
        yield made


def opened(here: Rehearsal) -> list[Any]:
    found: list[Any] = here.api("GET", f"{here.project}/merge_requests?state=opened")
    return found


def files(here: Rehearsal) -> list[str]:
    return [row["name"] for row in here.api("GET", f"{here.project}/repository/tree?ref=main")]


def test_the_content_is_pushed_and_the_ci_file_is_proposed(here: Rehearsal, recorder: Recorder) -> None:
    """The branch has the checkout's own commit; merging is a step for a person, and then nothing is to do."""
    here.apply()
    assert files(here) == ["Dockerfile"]
    assert here.tip() == here.git("rev-parse", "HEAD")
    (request,) = opened(here)
    assert (request["source_branch"], request["target_branch"]) == ("sledge/ci-file", "main")
    assert request["description"].endswith("[sledge]")
    changes = here.connect().plan()
    assert changes.pending == ()
    (step,) = changes.manual
    assert step.link == request["web_url"]
    with pytest.raises(ConflictError, match="does not hold"):
        here.connect().trigger()
    here.api("PUT", f"{here.project}/merge_requests/{request['iid']}/merge")
    changes = here.connect().plan()
    assert (changes.pending, changes.manual) == ((), ())
    assert files(here) == [".gitlab-ci.yml", "Dockerfile"]
    recorder.check()


def test_another_text_goes_into_the_same_request(here: Rehearsal) -> None:
    """What is proposed follows sledge.yaml; there is never a second request."""
    here.apply()
    here.images = ("web", "worker")
    here.settings = Settings(project=here.path, ci_file=here.settings.ci_file, timeout_minutes=17)
    (change,) = here.connect().plan().pending
    assert (change.action, change.kind) == (Action.CREATE, "gitlab_ci_file")
    here.apply()
    assert len(opened(here)) == 1
    assert here.connect().plan().pending == ()
    text = here.api("GET", f"{here.project}/repository/files/.gitlab-ci.yml?ref=sledge%2Fci-file")
    assert text["size"] > 0


def test_a_request_that_was_closed_is_opened_anew(here: Rehearsal) -> None:
    """As long as sledge.yaml says so."""
    here.apply()
    (request,) = opened(here)
    here.api("PUT", f"{here.project}/merge_requests/{request['iid']}", {"state_event": "close"})
    assert [change.kind for change in here.connect().plan().pending] == ["gitlab_ci_file"]
    here.apply()
    assert len(opened(here)) == 1


def test_a_persons_ci_file_is_proposed_with_our_job_in_it(here: Rehearsal) -> None:
    """On the branch it stays as it is until the request is merged; new commits are pushed beside it."""
    theirs = "test:\n    script: [make]   # all\n"
    here.commit(".gitlab-ci.yml", theirs)
    here.apply()
    here.commit("main.rs")
    here.apply()
    on_main = here.git("show", "HEAD:.gitlab-ci.yml")
    assert on_main + "\n" == theirs
    assert here.tip() == here.git("rev-parse", "HEAD")
    (step,) = here.connect().plan().manual
    assert "merge the request" in step.note
    jobs = here.api("GET", f"{here.project}/ci/lint?content_ref=sledge%2Fci-file&include_jobs=true")["jobs"]
    assert sorted(job["name"] for job in jobs) == ["build", "test"]


@pytest.mark.parametrize("fault", FAULTS)
def test_there_is_one_request_whatever_happens_to_the_answer(here: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection, at every call that makes something."""
    calls = ["/ci/lint$", "/repository/commits$", "/merge_requests$"]
    rules = [{"fault": fault, "method": "POST", "path": path, "calls": [1]} for path in calls]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) >= 2
    assert len(opened(here)) == 1
    changes = here.connect().plan()
    assert (changes.pending, len(changes.manual)) == ((), 1)
