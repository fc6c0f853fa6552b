"""From a push to finished jobs: pipelines, and the runner API as a runner speaks it."""

import concurrent.futures
import gzip
import io
import zipfile
from pathlib import Path

import jwt
import pytest
import requests
from gitlab.v4.objects import Project
from gitlab_local import RUNNER, TWO_STAGES, LocalGitLab, checkout_of, commit_ci, fresh_gitlab, job_statuses

from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.gitlab.builds.watchdog import end_lost_jobs
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store


@pytest.fixture
def project(local: LocalGitLab) -> Project:
    """An empty project."""
    return local.client().projects.create({"name": "app"})


def test_a_push_makes_a_pipeline_that_a_runner_takes_to_its_end(
    local: LocalGitLab, project: Project, tmp_path: Path
) -> None:
    """git push, then stage after stage: pending, running, success."""
    work = checkout_of(project, tmp_path / "work")
    sha = work.commit({".gitlab-ci.yml": TWO_STAGES})
    assert work.push().returncode == 0
    (pipeline,) = project.pipelines.list(get_all=True)
    assert (pipeline.sha, pipeline.ref, pipeline.source, pipeline.status) == (sha, "main", "push", "pending")
    runner = local.runner()
    job = runner.take()
    assert project.pipelines.get(pipeline.id).status == "running"
    assert runner.ask().status_code == 204
    assert (job["job_info"]["name"], job["git_info"]["sha"]) == ("build", sha)
    assert runner.end(job).headers["Job-Status"] == "success"
    assert runner.do() == "test"
    done = project.pipelines.get(pipeline.id)
    assert done.status == "success"
    assert done.finished_at is not None
    assert done.duration is not None


def test_the_clone_url_of_a_job_works_while_it_runs_and_not_after(
    local: LocalGitLab, project: Project, tmp_path: Path
) -> None:
    """The job token reads its own repository, is refused a push, and dies with the job."""
    commit_ci(project, TWO_STAGES)
    runner = local.runner()
    job = runner.take()
    url, refspec = job["git_info"]["repo_url"], job["git_info"]["refspecs"][0]
    work = checkout_of(project, tmp_path / "work")
    assert work.git("fetch", "--depth", "1", url, refspec).returncode == 0
    work.git("reset", "--quiet", "--hard", job["git_info"]["sha"])
    refused = work.git("push", url, "HEAD:refs/heads/other")
    assert "not allowed to upload code" in refused.stderr
    runner.end(job)
    assert work.git("fetch", url, refspec).returncode != 0


def test_a_log_grows_by_ranges_and_a_gap_is_answered_with_the_size(local: LocalGitLab, project: Project) -> None:
    """202 with the range, 416 for bytes that do not follow on; the API gives the whole log whatever Range asks."""
    commit_ci(project, TWO_STAGES)
    runner = local.runner()
    job = runner.take()
    assert runner.log(job, b"hello ").headers["Range"] == "0-6"
    gap = runner.log(job, b"lost", start=10)
    assert (gap.status_code, gap.headers["Range"]) == (416, "0-6")
    more = runner.log(job, "wörld\n".encode(), start=6)
    assert (more.status_code, more.headers["Job-Status"]) == (202, "running")
    assert int(more.headers["X-GitLab-Trace-Update-Interval"]) > 0
    again = local.call("GET", f"/projects/{project.id}/jobs/{job['id']}/trace", headers={"Range": "bytes=3-"})
    assert (again.status_code, again.content) == (200, "hello wörld\n".encode())


def test_artifacts_reach_the_next_job_and_dotenv_becomes_its_variables(local: LocalGitLab, project: Project) -> None:
    """An uploaded archive is a dependency of the next stage, a dotenv report a variable."""
    text = TWO_STAGES.replace("    paths: [out]", "    paths: [out]\n    reports: {dotenv: vars.env}")
    commit_ci(project, text)
    runner = local.runner()
    job = runner.take()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("out/app", "binary")
    token = {"JOB-TOKEN": job["token"]}
    for kind, form, data in (
        ("archive", "zip", archive.getvalue()),
        ("dotenv", "gzip", gzip.compress(b"VERSION=1.2\n")),
    ):
        sent = local.call(
            "POST",
            f"/jobs/{job['id']}/artifacts",
            token=None,
            headers=token,
            data={"artifact_type": kind, "artifact_format": form, "expire_in": "1 week"},
            files={"file": (f"{kind}.{form}", data)},
        )
        assert sent.status_code == 201
    runner.end(job)
    after = runner.take()
    assert [one["name"] for one in after["dependencies"]] == ["build"]
    assert {"VERSION": "1.2"}.items() <= {one["key"]: one["value"] for one in after["variables"]}.items()
    dependency = after["dependencies"][0]
    got = local.call(
        "GET", f"/jobs/{dependency['id']}/artifacts", token=None, headers={"JOB-TOKEN": dependency["token"]}
    )
    assert got.content == archive.getvalue()
    assert project.jobs.get(job["id"]).artifact("out/app") == b"binary"


def test_a_failed_job_fails_the_pipeline_and_skips_what_comes_after(local: LocalGitLab, project: Project) -> None:
    """The failure reason is the runner's; a retry of the pipeline runs the failed job and those after it."""
    commit_ci(project, TWO_STAGES)
    runner = local.runner()
    assert runner.do("failed", failure_reason="script_failure", exit_code=3) == "build"
    (pipeline,) = project.pipelines.list(get_all=True)
    assert pipeline.status == "failed"
    assert job_statuses(project, pipeline.id) == {"build": "failed", "test": "skipped"}
    (build,) = [job for job in project.jobs.list(get_all=True) if job.name == "build"]
    assert build.failure_reason == "script_failure"
    project.pipelines.get(pipeline.id).retry()
    assert runner.do() == "build"
    assert runner.do() == "test"
    assert project.pipelines.get(pipeline.id).status == "success"
    everything = project.pipelines.get(pipeline.id).jobs.list(get_all=True, include_retried=True)
    assert sorted(job.name for job in everything) == ["build", "build", "test"]


def test_a_job_with_retry_gets_another_attempt_by_itself(local: LocalGitLab, project: Project) -> None:
    """`retry: 1` gives two attempts, no more."""
    commit_ci(project, "build:\n  script: [make]\n  retry: 1\n")
    runner = local.runner()
    runner.do("failed", failure_reason="runner_system_failure")
    runner.do("failed", failure_reason="runner_system_failure")
    assert runner.ask().status_code == 204
    assert project.pipelines.list(get_all=True)[0].status == "failed"


def test_cancel_reaches_the_runner_by_the_job_status_header(local: LocalGitLab, project: Project) -> None:
    """After a cancel the runner's next call is refused with Job-Status: canceled, and its result does not count."""
    commit_ci(project, TWO_STAGES)
    runner = local.runner()
    job = runner.take()
    project.pipelines.list(get_all=True)[0].cancel()
    answer = runner.log(job, b"more")
    assert (answer.status_code, answer.headers["Job-Status"]) == (403, "canceled")
    runner.end(job)
    assert project.pipelines.list(get_all=True)[0].status == "canceled"
    assert runner.ask().status_code == 204


def test_a_runner_that_cancels_gracefully_may_end_its_job(local: LocalGitLab, project: Project) -> None:
    """Its job is canceling while it runs the after_script, takes the rest of the log, and is canceled when it is
    reported, whatever the result (gitlab-runner's feature cancel_gracefully)."""
    commit_ci(project, TWO_STAGES)
    runner = local.runner()
    job = runner.take(info={"features": {"cancel_gracefully": True}})
    (pipeline,) = project.pipelines.list(get_all=True)
    pipeline.cancel()
    assert project.pipelines.get(pipeline.id).status == "canceling"
    answer = runner.log(job, b"cleaning up")
    assert (answer.status_code, answer.headers["Job-Status"]) == (202, "canceling")
    pipeline.cancel()
    assert job_statuses(project, pipeline.id) == {"build": "canceling", "test": "canceled"}
    runner.end(job)
    assert job_statuses(project, pipeline.id) == {"build": "canceled", "test": "canceled"}
    assert project.pipelines.get(pipeline.id).status == "canceled"
    assert project.jobs.get(job["id"]).trace() == b"cleaning up"
    assert runner.ask().status_code == 204


def test_two_runners_never_get_the_same_job(local: LocalGitLab, project: Project) -> None:
    """Six jobs, many askers at once: each job is handed out once."""
    commit_ci(project, "".join(f"job{number}:\n  script: [make]\n" for number in range(6)))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: local.runner().ask(), range(12)))
    taken = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert len(taken) == len(set(taken)) == 6


def test_tags_choose_the_runner(local: LocalGitLab, project: Project) -> None:
    """A tagged job waits for a runner that has the tag; a runner made by the API has a token of its own."""
    commit_ci(project, "big:\n  tags: [large]\n  script: [make]\n")
    assert local.runner().ask().status_code == 204
    made = local.call(
        "POST", "/user/runners", json={"runner_type": "instance_type", "tag_list": ["large"], "description": "big one"}
    ).json()
    answer = local.call("POST", "/jobs/request", token=None, json={"token": made["token"]})
    assert answer.json()["job_info"]["name"] == "big"
    runners = local.client().runners_all.list(get_all=True)
    assert {one.description for one in runners} == {"local stack", "big one"}


def test_a_manual_job_waits_for_play(local: LocalGitLab, project: Project) -> None:
    """The pipeline is blocked until somebody plays the job, with variables of its own."""
    commit_ci(project, "deploy:\n  script: [ship]\n  when: manual\n  allow_failure: false\n")
    (pipeline,) = project.pipelines.list(get_all=True)
    assert pipeline.status == "manual"
    assert local.runner().ask().status_code == 204
    (job,) = project.jobs.list(get_all=True)
    played = local.call(
        "POST",
        f"/projects/{project.id}/jobs/{job.id}/play",
        json={"job_variables_attributes": [{"key": "TARGET", "value": "moon"}]},
    )
    assert played.json()["status"] == "pending"
    payload = local.runner().take()
    assert ("TARGET", "moon") in [(one["key"], one["value"]) for one in payload["variables"]]


def test_variables_of_the_api_call_win_over_those_of_the_project(local: LocalGitLab, project: Project) -> None:
    """A pipeline made by API carries its variables into the job and shows them."""
    commit_ci(project, TWO_STAGES)
    local.runner().do()
    project.variables.create({"key": "LEVEL", "value": "project"})
    pipeline = project.pipelines.create({"ref": "main", "variables": [{"key": "LEVEL", "value": "call"}]})
    assert pipeline.source == "api"
    assert [one.value for one in pipeline.variables.list(get_all=True)] == ["call"]
    jobs = [local.runner().take() for _ in range(2)]
    build = next(job for job in jobs if job["job_info"]["name"] == "build")
    assert {one["key"]: one["value"] for one in build["variables"]}["LEVEL"] == "call"


def test_protected_variables_stay_off_other_branches(local: LocalGitLab, project: Project) -> None:
    """The default branch is protected at the first push and sees the variable; a feature branch does not."""
    project.variables.create({"key": "DEPLOY_KEY", "value": "s3cret-value", "protected": True, "masked": True})
    commit_ci(project, "build:\n  script: [make]\n")
    on_main = {one["key"]: one for one in local.runner().take()["variables"]}
    assert on_main["DEPLOY_KEY"]["masked"] is True
    project.branches.create({"branch": "feature", "ref": "main"})
    assert "DEPLOY_KEY" not in {one["key"] for one in local.runner().take()["variables"]}


def test_pipelines_are_found_by_their_marks(local: LocalGitLab, project: Project) -> None:
    """ref, sha, status, name and the latest of a branch."""
    sha = commit_ci(project, "workflow:\n  name: Run $RUN\n" + TWO_STAGES)
    project.pipelines.create({"ref": "main", "variables": [{"key": "RUN", "value": "42"}]})
    assert [one.source for one in project.pipelines.list(get_all=True, name="Run 42")] == ["api"]
    assert len(project.pipelines.list(get_all=True, sha=sha, ref="main", status="pending")) == 2
    assert project.pipelines.list(get_all=True, ref="other") == []
    assert project.pipelines.list(get_all=True, updated_after="2100-01-01T00:00:00Z") == []
    assert project.pipelines.latest(ref="main").name == "Run 42"
    assert project.pipelines.latest(ref="main").bridges.list(get_all=True) == []


def test_erase_and_delete_remove_what_a_job_left(local: LocalGitLab, project: Project) -> None:
    """An erased job has no log; a deleted pipeline is gone with its jobs."""
    commit_ci(project, TWO_STAGES)
    runner = local.runner()
    payload = runner.take()
    runner.log(payload, b"secret words")
    runner.end(payload, "failed", failure_reason="script_failure")
    job = project.jobs.get(payload["id"])
    job.erase()
    assert project.jobs.get(payload["id"]).trace() == b""
    project.pipelines.get(project.jobs.get(payload["id"]).pipeline["id"]).delete()
    assert project.jobs.list(get_all=True) == []


def test_an_unknown_runner_token_is_refused(local: LocalGitLab) -> None:
    """verify and request answer 403; the stack's own runner token is fine."""
    for path in ("/runners/verify", "/jobs/request"):
        assert local.call("POST", path, token=None, json={"token": "glrt-no"}).status_code == 403
    assert local.call("POST", "/runners/verify", token=None, json={"token": RUNNER}).status_code == 200


def test_a_job_past_its_timeout_is_failed_by_the_server(tmp_path: Path) -> None:
    """A runner that vanished does not hold a pipeline for ever."""
    with fresh_gitlab(tmp_path, silent_runner_s=-1.0) as local:
        project = local.client().projects.create({"name": "app"})
        commit_ci(project, "build:\n  script: [make]\n")
        local.runner().take()
        store = Store(local.settings.state_dir / "gitlab.sqlite3")
        end_lost_jobs(Services(settings=local.settings, store=store, processes=LocalProcessRunner(), url=local.url))
        store.close()
        (job,) = project.jobs.list(get_all=True)
        assert (job.status, job.failure_reason) == ("failed", "stuck_or_timeout_failure")


def test_an_id_token_says_who_the_job_is_to_whoever_asks_the_server_for_its_key(local: LocalGitLab) -> None:
    """Issuer, subject and audience are as GitLab documents them; the variable is masked, others take no such token."""
    project = local.client().projects.create({"name": "app"})
    text = "it:\n  script: [x]\n  id_tokens: {TOKEN: {aud: sts.example}, MANY: {aud: [a, b]}}\n"
    actions = [{"action": "create", "file_path": ".gitlab-ci.yml", "content": text}]
    project.commits.create({"branch": "main", "commit_message": "CI", "actions": actions})
    job = local.runner().take()
    found = {variable["key"]: variable for variable in job["variables"]}
    assert found["TOKEN"]["masked"] is True
    discovery = requests.get(f"{local.url}/.well-known/openid-configuration", timeout=20).json()
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(found["TOKEN"]["value"])

    claims = jwt.decode(found["TOKEN"]["value"], key, algorithms=["ES256"], audience="sts.example")

    assert (claims["iss"], discovery["issuer"]) == (local.url, local.url)
    assert claims["sub"] == "project_path:root/app:ref_type:branch:ref:main"
    assert (claims["ref_protected"], claims["job_id"]) == ("true", str(job["id"]))
    assert jwt.decode(found["MANY"]["value"], key, algorithms=["ES256"], audience="b")["aud"] == ["a", "b"]
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(found["TOKEN"]["value"], key, algorithms=["ES256"], audience="else")
