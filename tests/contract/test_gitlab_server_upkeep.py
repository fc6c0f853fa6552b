"""What people do around builds: runners, jobs and their artifacts, refs, an archive; every exchange checked."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from gitlab.v4.objects import Project
from gitlab_local import RUNNER, TWO_STAGES, HandRunner, LocalGitLab, checkout_of


@pytest.fixture
def project(local: LocalGitLab) -> Project:
    """A project whose first commit started a pipeline of two stages."""
    project: Project = local.client().projects.create({"name": "app"})
    actions = [{"action": "create", "file_path": ".gitlab-ci.yml", "content": TWO_STAGES}]
    project.commits.create({"branch": "main", "commit_message": "CI", "actions": actions})
    return project


def upload_archive(local: LocalGitLab, job: Mapping[str, Any]) -> bytes:
    """Ask whether an archive may come, send it as a runner does; gives its bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("out/app", "binary")
    path, headers = f"/jobs/{job['id']}/artifacts", {"JOB-TOKEN": job["token"]}
    allowed = local.call("POST", f"{path}/authorize", token=None, headers=headers)
    assert allowed.status_code == 200
    local.call(
        "POST",
        path,
        token=None,
        headers=headers,
        data={"artifact_type": "archive", "artifact_format": "zip"},
        files={"file": ("artifacts.zip", archive.getvalue())},
    ).raise_for_status()
    return archive.getvalue()


def test_the_newest_artifacts_of_a_branch_are_found_by_the_jobs_name(local: LocalGitLab, project: Project) -> None:
    """Only a pipeline that succeeded counts; deleted artifacts are gone."""
    runner, base = local.runner(), f"/projects/{project.id}/jobs"
    job = runner.take()
    content = upload_archive(local, job)
    runner.end(job)
    asked = {"job": "build"}
    assert local.call("GET", f"{base}/artifacts/main/download", params=asked).status_code == 404
    runner.do()

    assert local.call("GET", f"{base}/artifacts/main/download", params=asked).content == content
    assert local.call("GET", f"{base}/artifacts/main/raw/out/app", params=asked).content == b"binary"
    assert local.call("DELETE", f"{base}/{job['id']}/artifacts").status_code == 204
    assert local.call("GET", f"{base}/artifacts/main/download", params=asked).status_code == 404


def test_one_job_is_cancelled_and_run_again(local: LocalGitLab, project: Project) -> None:
    """A waiting job ends at once as canceled; its retry is a new job that a runner can take."""
    (job,) = project.jobs.list(get_all=True, scope="pending")

    cancelled = local.call("POST", f"/projects/{project.id}/jobs/{job.id}/cancel")
    again = local.call("POST", f"/projects/{project.id}/jobs/{job.id}/retry")

    assert (cancelled.status_code, cancelled.json()["status"]) == (201, "canceled")
    assert (again.status_code, again.json()["status"]) == (201, "pending")
    assert local.runner().take()["id"] == again.json()["id"] != job.id


def test_a_runner_is_shown_paused_and_removed(local: LocalGitLab, project: Project) -> None:
    """A paused runner gets no job, its jobs are listed, and a removed one's token is refused."""
    made = local.call(
        "POST", "/user/runners", json={"runner_type": "project_type", "project_id": project.id, "description": "mine"}
    ).json()
    assert made["id"] in {one["id"] for one in local.call("GET", f"/projects/{project.id}/runners").json()}
    assert [one["id"] for one in local.call("GET", "/runners").json()] == [made["id"]]

    paused = local.call("PUT", f"/runners/{made['id']}", json={"paused": True})

    assert paused.json()["paused"] is True
    runner = HandRunner(gitlab=local, token=made["token"])
    assert runner.ask().status_code == 204
    local.call("PUT", f"/runners/{made['id']}", json={"paused": False})
    job = runner.take()
    assert local.call("GET", f"/runners/{made['id']}").json()["description"] == "mine"
    assert [one["id"] for one in local.call("GET", f"/runners/{made['id']}/jobs").json()] == [job["id"]]
    assert local.call("DELETE", f"/runners/{made['id']}").status_code == 204
    assert runner.ask().status_code == 403


def test_a_runner_unregisters_itself(local: LocalGitLab) -> None:
    """What `gitlab-runner unregister` does; the token is dead afterwards."""
    assert local.call("DELETE", "/runners", token=None, params={"token": RUNNER}).status_code == 204

    assert local.call("POST", "/runners/verify", token=None, json={"token": RUNNER}).status_code == 403


def test_commits_tags_and_blobs_are_read_one_by_one(local: LocalGitLab, project: Project) -> None:
    """A commit with the refs that hold it, a tag by name, a blob's bytes."""
    base = f"/projects/{project.id}/repository"
    project.tags.create({"tag_name": "v1", "ref": "main", "message": "first"})
    head = project.branches.get("main").commit["id"]
    (entry,) = project.repository_tree(get_all=True)

    commit = local.call("GET", f"{base}/commits/main").json()
    refs = local.call("GET", f"{base}/commits/{head}/refs").json()

    assert (commit["id"], commit["title"]) == (head, "CI")
    assert {(one["type"], one["name"]) for one in refs} == {("branch", "main"), ("tag", "v1")}
    assert local.call("GET", f"{base}/tags/v1").json()["message"] == "first"
    assert local.call("GET", f"{base}/blobs/{entry['id']}/raw").text == TWO_STAGES


def test_a_protection_lets_force_pushes_through_when_it_says_so(
    local: LocalGitLab, project: Project, tmp_path: Path
) -> None:
    """The default branch refuses a rewritten history until its protection is changed."""
    work, path = checkout_of(project, tmp_path / "work"), f"/projects/{project.id}/protected_branches/main"
    work.commit({"other": "history"})
    assert local.call("GET", path).json()["allow_force_push"] is False
    assert work.push("--force", "main").returncode != 0

    changed = local.call("PATCH", path, json={"allow_force_push": True})

    assert changed.json()["allow_force_push"] is True
    assert work.push("--force", "main").returncode == 0


def test_an_archived_project_takes_no_push(local: LocalGitLab, project: Project, tmp_path: Path) -> None:
    """Until it is unarchived."""
    work = checkout_of(project, tmp_path / "work")
    work.commit({"more": "text"})
    assert local.call("POST", f"/projects/{project.id}/archive").json()["archived"] is True
    assert work.push("main:other").returncode != 0

    assert local.call("POST", f"/projects/{project.id}/unarchive").json()["archived"] is False

    assert work.push("main:other").returncode == 0


def test_a_protected_tag_is_for_those_who_may_create_it(local: LocalGitLab, project: Project) -> None:
    """A developer makes other tags; of protected ones GitLab says what is wrong."""
    project.protectedtags.create({"name": "v*", "create_access_level": 40})
    token = local.user("ada")
    (ada,) = local.client().users.list(username="ada", get_all=True)
    project.members.create({"user_id": ada.id, "access_level": 30})
    path = f"/projects/{project.id}/repository/tags"

    refused = local.call("POST", path, token=token, json={"tag_name": "v1", "ref": "main"})
    allowed = local.call("POST", path, token=token, json={"tag_name": "nightly", "ref": "main"})

    assert (refused.status_code, "protected" in refused.json()["message"]) == (403, True)
    assert allowed.status_code == 201
    assert local.call("POST", path, json={"tag_name": "v1", "ref": "main"}).status_code == 201
    assert [one.name for one in project.protectedtags.list(get_all=True)] == ["v*"]
    project.protectedtags.delete("v*")
    assert local.call("POST", path, token=token, json={"tag_name": "v2", "ref": "main"}).status_code == 201


def test_two_schedules_of_one_description_are_two(local: LocalGitLab, project: Project) -> None:
    """As on GitLab, which makes the second without a word; a cron that is none is refused."""
    body = {"description": "nightly", "ref": "main", "cron": "0 3 * * *"}
    first, second = (project.pipelineschedules.create(body) for _ in range(2))
    assert (first.id != second.id, first.ref) == (True, "refs/heads/main")
    answer = local.call("POST", f"/projects/{project.id}/pipeline_schedules", json={**body, "cron": "at noon"})
    assert (answer.status_code, answer.json()["message"]) == (400, {"cron": [" is invalid syntax"]})


def test_a_merge_request_brings_its_branch_into_the_target(local: LocalGitLab, project: Project) -> None:
    """One that is open already is refused with its number; merged, the target has a merge commit."""
    actions = [{"action": "create", "file_path": "more", "content": "x"}]
    change = {"branch": "topic", "start_branch": "main", "commit_message": "more", "actions": actions}
    project.commits.create(change)
    body = {"source_branch": "topic", "target_branch": "main", "title": "More"}
    made = local.call("POST", f"/projects/{project.id}/merge_requests", json=body).json()
    again = local.call("POST", f"/projects/{project.id}/merge_requests", json=body)
    assert (again.status_code, again.json()["message"]) == (
        409,
        "Another open merge request already exists for this source branch: !1",
    )

    merged = local.call("PUT", f"/projects/{project.id}/merge_requests/{made['iid']}/merge")

    assert merged.json()["state"] == "merged"
    assert "more" in {entry["name"] for entry in project.repository_tree(get_all=True)}
    assert len(project.commits.get("main").parent_ids) == 2
    assert local.call("GET", f"/projects/{project.id}/merge_requests", params={"state": "opened"}).json() == []


def test_a_merge_request_whose_target_has_moved_is_not_merged(local: LocalGitLab, project: Project) -> None:
    """405, and both branches stay."""
    for branch, path in (("topic", "one"), ("main", "two")):
        actions = [{"action": "create", "file_path": path, "content": "x"}]
        start = {"start_branch": "main"} if branch == "topic" else {}
        project.commits.create({"branch": branch, "commit_message": path, "actions": actions, **start})
    body = {"source_branch": "topic", "target_branch": "main", "title": "More"}
    local.call("POST", f"/projects/{project.id}/merge_requests", json=body)
    head = project.branches.get("main").commit["id"]

    assert local.call("PUT", f"/projects/{project.id}/merge_requests/1/merge").status_code == 405
    assert project.branches.get("main").commit["id"] == head


def test_a_commit_with_force_puts_a_branch_on_another_start(local: LocalGitLab, project: Project) -> None:
    """What the branch held before is gone; without force it is refused."""
    base = {"branch": "topic", "start_branch": "main", "commit_message": "c"}
    for path in ("one", "two"):
        actions = [{"action": "create", "file_path": path, "content": "x"}]
        project.commits.create({**base, "actions": actions, "force": True})
    names = {entry["name"] for entry in project.repository_tree(ref="topic", get_all=True)}
    assert ("one" in names, "two" in names) == (False, True)
    actions = [{"action": "create", "file_path": "three", "content": "x"}]
    refused = local.call("POST", f"/projects/{project.id}/repository/commits", json={**base, "actions": actions})
    assert refused.status_code == 400
