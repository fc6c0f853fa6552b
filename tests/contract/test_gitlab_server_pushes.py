"""From a push to a pipeline: what starts one, what does not, and what its CI file says."""

import os
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import Project
from gitlab_local import ROOT, TWO_STAGES, LocalGitLab, checkout_of, commit_ci


@pytest.fixture
def project(local: LocalGitLab) -> Project:
    """An empty project."""
    return local.client().projects.create({"name": "app"})


@pytest.mark.parametrize("message", ["Docs [skip ci]", "[ci skip] Docs"])
def test_skip_ci_in_the_message_makes_a_skipped_pipeline(
    local: LocalGitLab, project: Project, tmp_path: Path, message: str
) -> None:
    """No job is made."""
    work = checkout_of(project, tmp_path / "work")
    work.commit({".gitlab-ci.yml": TWO_STAGES}, message)
    work.push()
    assert [one.status for one in project.pipelines.list(get_all=True)] == ["skipped"]
    assert project.jobs.list(get_all=True) == []


def test_a_pushed_tag_makes_a_tag_pipeline_and_a_deleted_branch_none(
    local: LocalGitLab, project: Project, tmp_path: Path
) -> None:
    """CI_COMMIT_TAG is set and CI_COMMIT_BRANCH is not; the job fetches the tag."""
    work = checkout_of(project, tmp_path / "work")
    work.commit({".gitlab-ci.yml": TWO_STAGES})
    work.push("-o", "ci.skip", "main", "main:other")
    work.git("tag", "v1")
    assert work.push("v1").returncode == 0
    assert work.push(":other").returncode == 0
    newest = project.pipelines.list(get_all=True)[0]
    assert (newest.ref, newest.status, len(project.pipelines.list(get_all=True))) == ("v1", "pending", 3)
    job = local.runner().take()
    values = {one["key"]: one["value"] for one in job["variables"]}
    assert (values["CI_COMMIT_TAG"], "CI_COMMIT_BRANCH" in values) == ("v1", False)
    assert job["git_info"]["ref_type"] == "tag"


def test_push_options_skip_and_set_variables(local: LocalGitLab, project: Project, tmp_path: Path) -> None:
    """`-o ci.skip` and `-o ci.variable`; the value may hold anything but a newline."""
    work = checkout_of(project, tmp_path / "work")
    work.commit({".gitlab-ci.yml": TWO_STAGES})
    work.push("-o", "ci.skip", "main")
    work.commit({"a": "1"})
    work.push("-o", "ci.variable=\"NOTE=a $(b) 'c'\"", "main")
    assert sorted(one.status for one in project.pipelines.list(get_all=True)) == ["pending", "skipped"]
    values = {one["key"]: one["value"] for one in local.runner().take()["variables"]}
    assert values["NOTE"] == "a $(b) 'c'"


def test_a_newer_commit_cancels_what_has_not_started(local: LocalGitLab, project: Project, tmp_path: Path) -> None:
    """A pending pipeline of an older commit is cancelled; one whose job runs goes on; the setting ends it all."""
    work = checkout_of(project, tmp_path / "work")
    work.commit({".gitlab-ci.yml": TWO_STAGES})
    work.push()
    running = local.runner().take()
    for number in range(2):
        work.commit({"file": str(number)})
        work.push()
    assert [one.status for one in project.pipelines.list(get_all=True)] == ["pending", "canceled", "running"]
    assert local.runner().end(running).headers["Job-Status"] == "success"
    project.auto_cancel_pending_pipelines = "disabled"
    project.save()
    work.commit({"file": "last"})
    work.push()
    assert project.pipelines.list(get_all=True)[1].status == "pending"


def test_large_pushes_and_fetches_go_through(local: LocalGitLab, project: Project, tmp_path: Path) -> None:
    """A push above git's buffer comes chunked, a fetch with many refs gzipped."""
    work = checkout_of(project, tmp_path / "work")
    (work.path / "blob").write_bytes(os.urandom(3 << 20))
    work.commit({".gitlab-ci.yml": TWO_STAGES})
    for number in range(25):
        work.git("branch", f"b{number}-{'x' * 40}")
        work.commit({"n": str(number)})
    work.push("-o", "ci.skip", "--all")
    assert len(project.branches.list(get_all=True)) == 26
    url = work.remote.replace("://", f"://any:{ROOT}@")
    cloned = work.git("clone", "--quiet", url, str(tmp_path / "clone"))
    assert cloned.returncode == 0, cloned.stderr
    assert (tmp_path / "clone" / "blob").stat().st_size == 3 << 20


def test_an_invalid_ci_file_fails_the_push_pipeline_and_refuses_the_api_one(
    local: LocalGitLab, project: Project
) -> None:
    """Pushed: a failed pipeline with yaml_errors. Asked for: 400 with the sentences. Lint says the same."""
    commit_ci(project, "build:\n  skript: [make]\n")
    (pipeline,) = project.pipelines.list(get_all=True)
    assert pipeline.status == "failed"
    assert "skript" in project.pipelines.get(pipeline.id).yaml_errors
    with pytest.raises(gitlab.GitlabCreateError, match="skript") as refused:
        project.pipelines.create({"ref": "main"})
    assert refused.value.response_code == 400
    lint = project.ci_lint.get()
    assert lint.valid is False
    assert any("skript" in sentence for sentence in lint.errors)


def test_lint_of_sent_content_shows_the_merged_file_and_its_jobs(local: LocalGitLab, project: Project) -> None:
    """A valid file: merged YAML without extends, and the jobs on request."""
    commit_ci(project, TWO_STAGES)
    result = project.ci_lint.create({"content": ".base:\n  script: [a]\nx:\n  extends: .base\n", "include_jobs": True})
    assert result.valid is True
    assert "extends" not in result.merged_yaml.split("x:")[1].replace("extends: .base", "")
    assert [job["name"] for job in result.jobs] == ["x"]


def test_lint_of_sent_content_needs_no_commit(project: Project) -> None:
    """Of a project that is empty, too, as on GitLab; a file that it includes is not there."""
    assert project.ci_lint.create({"content": "x: {script: [a]}\n"}).valid is True
    assert "nowhere" in project.ci_lint.create({"content": "x: {stage: nowhere, script: [a]}\n"}).errors[0]
    assert project.ci_lint.create({"content": "include: a.yml\nx: {script: [a]}\n"}).valid is False
