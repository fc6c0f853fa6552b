"""What people do around builds: runners, jobs and their artifacts, refs, an archive; every exchange checked."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from gitlab.v4.objects import Project
from gitlab_local import RUNNER, TWO_STAGES, HandRunner, LocalGitLab, checkout_of, fresh_gitlab


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalGitLab]:
    """A new server."""
    with fresh_gitlab(tmp_path) as server:
        yield server


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
