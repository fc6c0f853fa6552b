"""What a destruction on GitLab spares and deletes, against the local GitLab."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Recorder, Rehearsal, call, rehearse, server_settings
from oci_registry import MemoryRegistry, registry_servers

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConflictError
from sledgehammer.provisioning.json_form import to_json
from sledgehammer_gitlab.settings import CiFileSettings, Settings, Variable, Via
from sledgehammer_gitlab.token_settings import DeployScope, DeployToken
from sledgehammer_gitlab.upkeep_settings import Schedule
from sledgehammer_localstack.gitlab.server import GitLabServer

ALL = Settings(
    project="team/sub/web",
    variables={"KEY": Variable(value="a-value")},
    deploy_tokens={"pull": DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN")},
    schedules={"nightly": Schedule(cron="H 3 * * *")},
)
OURS = {"gitlab_variable", "gitlab_deploy_token", "gitlab_schedule"}


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, ALL) as made:
        yield made


def destroy(here: Rehearsal) -> set[str]:
    """Gives the kinds of what was deleted."""
    told: list[Change] = []
    here.connect().destroy(on_change=told.append)
    return {change.kind for change in told}


def project_in_plan(here: Rehearsal) -> Change:
    changes = here.connect().plan_destruction().changes
    return next(change for change in changes if change.kind == "gitlab_project")


def commit_by_hand(here: Rehearsal, branch: str, message: str = "by hand") -> None:
    """One commit more on GitLab than on main, as a person makes it there."""
    body = {
        "branch": branch,
        "commit_message": message,
        "actions": [{"action": "create", "file_path": "theirs", "content": "x"}],
        **({} if branch == "main" else {"start_branch": "main"}),
    }
    here.api("POST", f"{here.project}/repository/commits", body)


def request_merge(here: Rehearsal) -> None:
    here.api("POST", f"{here.project}/repository/branches?branch=same&ref=main")
    body = {"source_branch": "same", "target_branch": "main", "title": "Theirs"}
    here.api("POST", f"{here.project}/merge_requests", body)


THEIRS: list[tuple[Callable[[Rehearsal], object], str]] = [
    (lambda here: commit_by_hand(here, "feature"), "branch feature"),
    (lambda here: commit_by_hand(here, "main"), "branch main"),
    (lambda here: commit_by_hand(here, "main", f"x\n\nSledge-Source: {here.git('rev-parse', 'HEAD')}"), "branch main"),
    (lambda here: here.api("POST", f"{here.project}/repository/tags?tag_name=v1&ref=main"), "tag v1"),
    (request_merge, "merge request !1"),
]


@pytest.mark.parametrize(("add", "named"), THEIRS, ids=["branch", "commit", "false mirror", "tag", "merge request"])
def test_a_project_that_holds_what_others_made_is_spared_and_our_parts_go(
    here: Rehearsal, recorder: Recorder, add: Callable[[Rehearsal], object], named: str
) -> None:
    """The plan says what is kept, why and how to delete it all the same, its JSON too; then nothing is to do."""
    here.apply()
    add(here)
    note = f"kept, for it holds {named}; to delete it with all of that: force_destroy: true"
    shown = here.connect().plan_destruction()
    rows = to_json(shown)["changes"]
    assert [(row["action"], row["note"]) for row in rows if row["kind"] == "gitlab_project"] == [("none", note)]
    assert {change.kind for change in shown.pending} == OURS
    assert destroy(here) == OURS
    assert here.api("GET", f"{here.project}/variables") == []
    assert here.api("GET", f"{here.project}/pipeline_schedules") == []
    assert here.api("GET", f"{here.project}/deploy_tokens") == []
    assert here.api("GET", here.project)["topics"] == ["made-by-sledge"]
    assert destroy(here) == set()
    recorder.check()


def test_a_project_with_what_others_made_goes_when_that_is_said(here: Rehearsal) -> None:
    """The plan names what is lost."""
    here.apply()
    commit_by_hand(here, "feature")
    here.api("POST", f"{here.project}/repository/tags?tag_name=v1&ref=main")
    here.settings = replace(here.settings, force_destroy=True)
    planned = project_in_plan(here)
    assert (planned.action, planned.note) == (Action.DELETE, "lost with it: branch feature, tag v1")
    assert destroy(here) == {"gitlab_project"}
    assert here.api("GET", here.project) is None
    assert destroy(here) == set()


def test_what_this_checkout_has_is_no_reason_to_keep_a_project(here: Rehearsal, tmp_path: Path) -> None:
    """Mirrors that another clone pushed, a branch of the checkout's and our own merge request are not others' work."""
    here.settings = replace(here.settings, ci_file=CiFileSettings(via=Via.MERGE_REQUEST))
    here.apply()
    here.commit("main.rs")
    other = tmp_path / "other"
    here.git("clone", "-q", str(here.work), str(other))
    home, here.work = here.work, other
    here.apply()
    here.git("switch", "-q", "-c", "next")
    here.commit("next.rs")
    here.apply()
    here.work = home
    assert "branch next" in project_in_plan(here).note
    here.git("fetch", "-q", str(other), "next:next")
    assert (project_in_plan(here).action, project_in_plan(here).note) == (Action.DELETE, "")


def test_images_are_content_whoever_pushed_them(tmp_path: Path) -> None:
    """A repository without a tag is none; one that holds any keeps the project."""
    with registry_servers() as servers, servers.serve(MemoryRegistry()) as address:
        settings = server_settings(tmp_path / "gitlab", registry_address=address)
        (tmp_path / "work").mkdir()
        with GitLabServer(settings) as server, rehearse(server.url, tmp_path / "work", ALL) as here:
            here.apply()
            scope = quote(f"repository:{here.path}/cache:push,pull")
            login = base64.b64encode(f"root:{ROOT_TOKEN}".encode()).decode()
            headers = {"Authorization": f"Basic {login}"}
            call(here.url, "GET", f"/jwt/auth?service=container_registry&scope={scope}", None, headers)
            assert project_in_plan(here).action is Action.DELETE
            manifest = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
            call(f"http://{address}", "PUT", f"/v2/{here.path}/cache/manifests/main", b"{}", manifest)
            assert f"images in {here.path}/cache;" in project_in_plan(here).note


def test_a_gitlab_that_deletes_later_is_left_alone_once_it_was_told(tmp_path: Path) -> None:
    """It moves the project away: a lost answer and a second destruction find nothing to do, an apply makes another."""
    settings = replace(server_settings(tmp_path / "gitlab"), delays_deletion=True)
    (tmp_path / "work").mkdir()
    with GitLabServer(settings) as server, rehearse(server.url, tmp_path / "work", ALL) as here:
        here.apply()
        first = here.api("GET", here.project)["id"]
        rules = [{"fault": "error_after", "method": "DELETE", "path": "/projects/[^/]+$", "calls": [1]}]
        here.ask("POST", "/-/faults", {"rules": rules})
        assert destroy(here) == {"gitlab_project"}
        assert len(here.ask("GET", "/-/faults")["injected"]) == 1
        assert here.api("GET", f"/projects/{first}")["marked_for_deletion_on"]
        assert here.api("GET", here.project)["path_with_namespace"] == f"{here.path}-deletion_scheduled-{first}"
        assert destroy(here) == set()
        here.apply()
        assert here.api("GET", here.project)["id"] != first
        assert here.connect().plan().pending == ()


def test_a_project_that_waits_for_its_deletion_in_its_place_is_not_used(
    here: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As GitLab did it before 18: nothing to destroy, and an apply says what to do."""
    here.apply()
    monkeypatch.setattr("sledgehammer_gitlab.reading.is_leaving", lambda row: True)
    assert destroy(here) == set()
    with pytest.raises(ConflictError, match="is marked for deletion") as caught:
        here.apply()
    assert "restore it" in caught.value.hint


def test_a_destruction_that_was_killed_is_finished_by_the_next(here: Rehearsal) -> None:
    """The project goes last, so that what the plan showed is still found."""
    group = Variable(value="a-value", group=here.group)
    here.settings = replace(here.settings, variables={"KEY": group})
    here.apply()

    class Killed(BaseException):
        pass

    def die(change: Change) -> None:
        raise Killed

    with pytest.raises(Killed):
        here.connect().destroy(on_change=die)
    assert here.api("GET", f"/groups/{here.group}/variables") == []
    assert destroy(here) == {"gitlab_project"}
    assert here.api("GET", here.project) is None
