"""What a runner is handed: variables in their precedence, git facts, steps, files, credentials."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sledgehammer.secret import Secret
from sledgehammer_localstack.ci.facts import (
    CommitFacts,
    Dependency,
    PipelineFacts,
    ProjectFacts,
    RunFacts,
    RunnerFacts,
    ServerFacts,
    UserFacts,
)
from sledgehammer_localstack.ci.model import (
    Artifacts,
    Cache,
    Environment,
    Image,
    Job,
    Report,
    Service,
    Variable,
    When,
)
from sledgehammer_localstack.ci.payload import JobContext, environment_slug, job_payload
from sledgehammer_localstack.ci.predefined import pipeline_variables, slug
from sledgehammer_localstack.ci.variables import as_mapping

SERVER = ServerFacts(url="http://10.1.2.1:8080", registry="10.1.2.5:5000", version="17.5.1")
PROJECT = ProjectFacts(id=7, title="My App", full_path="Team/sub/app", namespace_id=3, default_branch="main")
COMMIT = CommitFacts(
    sha="0123456789abcdef0123456789abcdef01234567",
    message="Add $HOME page\n\nWith a body.\n",
    author="Ada <ada@example.com>",
    timestamp="2026-01-02T03:04:05+00:00",
)
PIPELINE = PipelineFacts(
    id=42,
    iid=5,
    source="push",
    ref="feature/One",
    is_tag=False,
    is_ref_protected=False,
    created_at="2026-01-02T03:05:00Z",
    commit=COMMIT,
    user=UserFacts(id=1, username="ada", name="Ada", email="ada@example.com"),
)
RUN = RunFacts(
    id=99,
    token=Secret("glcbt-64_secret"),
    started_at="2026-01-02T03:06:00Z",
    timeout_s=1800,
    runner=RunnerFacts(id=2, description="ours", tags=("docker",)),
)
CONTEXT = JobContext(server=SERVER, project=PROJECT, pipeline=PIPELINE, run=RUN)
JOB = Job(name="build app", stage="build", script=("make", "make test"), before_script=("setup",))


def variables(job: Job = JOB, context: JobContext = CONTEXT) -> dict[str, dict[str, Any]]:
    """The payload's variables by key."""
    listed = job_payload(job, context)["variables"]
    assert len({entry["key"] for entry in listed}) == len(listed)
    return {entry["key"]: entry for entry in listed}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_SERVER_URL", "http://10.1.2.1:8080"),
        ("CI_SERVER_HOST", "10.1.2.1"),
        ("CI_SERVER_PORT", "8080"),
        ("CI_SERVER_PROTOCOL", "http"),
        ("CI_SERVER_VERSION_MINOR", "5"),
        ("CI_API_V4_URL", "http://10.1.2.1:8080/api/v4"),
        ("CI_PROJECT_ID", "7"),
        ("CI_PROJECT_NAME", "app"),
        ("CI_PROJECT_TITLE", "My App"),
        ("CI_PROJECT_PATH", "Team/sub/app"),
        ("CI_PROJECT_PATH_SLUG", "team-sub-app"),
        ("CI_PROJECT_NAMESPACE", "Team/sub"),
        ("CI_PROJECT_ROOT_NAMESPACE", "Team"),
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_REGISTRY", "10.1.2.5:5000"),
        ("CI_REGISTRY_IMAGE", "10.1.2.5:5000/team/sub/app"),
        ("CI_REGISTRY_USER", "gitlab-ci-token"),
        ("CI_REGISTRY_PASSWORD", "glcbt-64_secret"),
        ("CI_JOB_TOKEN", "glcbt-64_secret"),
        ("CI_REPOSITORY_URL", "http://gitlab-ci-token:glcbt-64_secret@10.1.2.1:8080/Team/sub/app.git"),
        ("CI_PIPELINE_ID", "42"),
        ("CI_PIPELINE_IID", "5"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_PIPELINE_URL", "http://10.1.2.1:8080/Team/sub/app/-/pipelines/42"),
        ("CI_COMMIT_SHA", COMMIT.sha),
        ("CI_COMMIT_SHORT_SHA", "01234567"),
        ("CI_COMMIT_REF_NAME", "feature/One"),
        ("CI_COMMIT_REF_SLUG", "feature-one"),
        ("CI_COMMIT_BRANCH", "feature/One"),
        ("CI_COMMIT_TITLE", "Add $HOME page"),
        ("CI_COMMIT_DESCRIPTION", "With a body."),
        ("CI_COMMIT_REF_PROTECTED", "false"),
        ("CI_COMMIT_BEFORE_SHA", "0" * 40),
        ("CI_JOB_ID", "99"),
        ("CI_JOB_NAME", "build app"),
        ("CI_JOB_NAME_SLUG", "build-app"),
        ("CI_JOB_STAGE", "build"),
        ("CI_JOB_TIMEOUT", "1800"),
        ("CI_NODE_TOTAL", "1"),
        ("CI_RUNNER_TAGS", '["docker"]'),
        ("GITLAB_USER_LOGIN", "ada"),
    ],
)
def test_a_predefined_variable_has_gitlabs_value(key: str, value: str) -> None:
    """Server, project, pipeline, commit, job and user each fill their variables."""
    assert variables()[key]["value"] == value


def test_what_does_not_apply_is_not_set() -> None:
    """A branch has no tag variables, an unnumbered job no index, one that is not manual no CI_JOB_MANUAL."""
    assert not {"CI_COMMIT_TAG", "CI_NODE_INDEX", "CI_JOB_MANUAL", "CI_ENVIRONMENT_NAME"} & variables().keys()
    tag = replace(CONTEXT, pipeline=replace(PIPELINE, ref="v1", is_tag=True))
    manual = variables(replace(JOB, when=When.MANUAL, node_index=2, node_total=3), tag)
    assert "CI_COMMIT_BRANCH" not in manual
    assert manual["CI_COMMIT_TAG"]["value"] == "v1"
    assert (manual["CI_NODE_INDEX"]["value"], manual["CI_NODE_TOTAL"]["value"]) == ("2", "3")
    assert manual["CI_JOB_MANUAL"]["value"] == "true"


def test_before_a_pipeline_is_stored_it_has_no_id_variables() -> None:
    """Rules cannot ask for an id that is not given yet."""
    known = as_mapping(pipeline_variables(SERVER, PROJECT, replace(PIPELINE, id=0)))
    assert "CI_PIPELINE_ID" not in known
    assert known["CI_PIPELINE_SOURCE"] == "push"


def test_the_job_token_is_masked_and_not_public() -> None:
    """The runner hides what is masked, so every variable that is the token is."""
    by_key = variables()
    for key in ("CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD"):
        assert (by_key[key]["masked"], by_key[key]["public"]) == (True, False)
    assert by_key["CI_REPOSITORY_URL"]["public"] is False


def test_a_dollar_in_a_commit_message_is_no_reference() -> None:
    """Such a predefined variable is raw, so the runner leaves it as it is."""
    assert variables()["CI_COMMIT_MESSAGE"]["raw"] is True
    assert variables()["CI_COMMIT_SHA"]["raw"] is False


def test_variables_come_in_gitlabs_precedence_with_references_put_in() -> None:
    """Given over settings over dotenv over the CI file over predefined."""
    context = replace(
        CONTEXT,
        dotenv=(Variable(key="A", value="dotenv"), Variable(key="B", value="dotenv")),
        settings=(Variable(key="B", value="project", masked=True, public=False), Variable(key="C", value="project")),
        given=(Variable(key="C", value="trigger"),),
    )
    names = ("A", "B", "C", "CI_JOB_STAGE", "T")
    own = (
        *(Variable(key=key, value="yaml") for key in names[:-1]),
        Variable(key="T", value="$CI_REGISTRY_IMAGE:$B"),
    )
    by_key = variables(replace(JOB, variables=own), context)
    assert [by_key[name]["value"] for name in names] == [
        "dotenv",
        "project",
        "trigger",
        "yaml",
        "10.1.2.5:5000/team/sub/app:project",
    ]
    assert by_key["B"]["masked"] is True


def test_an_environment_sets_its_variables() -> None:
    """Name, slug and expanded URL."""
    job = replace(JOB, environment=Environment(name="review/One", url="https://$CI_ENVIRONMENT_SLUG.example.com"))
    by_key = variables(job)
    assert by_key["CI_ENVIRONMENT_NAME"]["value"] == "review/One"
    assert by_key["CI_ENVIRONMENT_URL"]["value"] == f"https://{environment_slug('review/One')}.example.com"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("production", "production"),
        ("review/x", "review-x-"),
        ("1st", "env-1st-"),
        ("a-very-long-environment-name", "a-very-long-envir-"),
    ],
)
def test_an_environment_slug_is_short_and_keeps_names_apart(name: str, pattern: str) -> None:
    """A simple name stays; any other is cut and gains six characters of its hash."""
    made = environment_slug(name)
    assert made.startswith(pattern)
    assert len(made) <= 24
    assert made == name or len(made) == len(pattern) + 6


def test_a_slug_is_cut_and_has_no_dash_at_its_ends() -> None:
    """As CI_COMMIT_REF_SLUG is documented."""
    assert slug("/Feature_X/" + "y" * 80) == "feature-x-" + "y" * 52


def test_scripts_arrive_as_gitlab_sends_them() -> None:
    """before_script and script are one step, after_script a second that always runs."""
    steps = job_payload(replace(JOB, after_script=("cleanup",)), CONTEXT)["steps"]
    assert [(step["name"], step["script"], step["when"]) for step in steps] == [
        ("script", ["setup", "make", "make test"], "on_success"),
        ("after_script", ["cleanup"], "always"),
    ]
    assert [step["name"] for step in job_payload(JOB, CONTEXT)["steps"]] == ["script"]


@pytest.mark.parametrize(
    ("is_tag", "depth", "refspecs"),
    [
        (False, "", ["+refs/heads/feature/One:refs/remotes/origin/feature/One"]),
        (True, "", ["+refs/tags/feature/One:refs/tags/feature/One"]),
        (False, "0", ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]),
    ],
)
def test_git_facts_say_what_to_fetch(is_tag: bool, depth: str, refspecs: list[str]) -> None:
    """The pipeline's own ref first, then the branch or tag, or everything when GIT_DEPTH is 0."""
    context = replace(CONTEXT, pipeline=replace(PIPELINE, is_tag=is_tag))
    job = replace(JOB, variables=(Variable(key="GIT_DEPTH", value=depth),))
    info = job_payload(job, context)["git_info"]
    assert info["refspecs"] == ["+refs/pipelines/42:refs/pipelines/42", *refspecs]
    assert info["depth"] == (0 if depth == "0" else 20)
    assert info["ref_type"] == ("tag" if is_tag else "branch")
    assert info["repo_url"].startswith("http://gitlab-ci-token:glcbt-64_secret@")


def test_image_and_services_carry_only_what_was_said() -> None:
    """An entrypoint that is not given stays the image's own; an empty one is sent."""
    job = replace(
        JOB,
        image=Image(name="docker:cli", entrypoint=("",)),
        services=(
            Service(name="docker:dind", alias="docker", variables=(Variable(key="P", value="2376"),)),
            Service(name="db", command=("run",)),
        ),
    )
    payload = job_payload(job, CONTEXT)
    assert payload["image"] == {"name": "docker:cli", "entrypoint": [""]}
    dind, database = payload["services"]
    assert (dind["name"], dind["alias"], "entrypoint" in dind) == ("docker:dind", "docker", False)
    assert dind["variables"][0]["value"] == "2376"
    assert database["command"] == ["run"]
    assert job_payload(JOB, CONTEXT)["image"] is None


def test_artifacts_are_an_archive_and_one_entry_for_each_report() -> None:
    """Reports are uploaded whatever happened, under GitLab's names and formats."""
    artifacts = Artifacts(
        paths=("out/",), exclude=("out/x",), expire_in="1 day", reports=(Report(kind="dotenv", paths=("b.env",)),)
    )
    archive, dotenv = job_payload(replace(JOB, artifacts=artifacts), CONTEXT)["artifacts"]
    assert (archive["artifact_type"], archive["artifact_format"]) == ("archive", "zip")
    assert (archive["paths"], archive["exclude"], archive["expire_in"]) == (["out/"], ["out/x"], "1 day")
    assert (dotenv["name"], dotenv["artifact_format"], dotenv["when"]) == (".env", "gzip", "always")
    only_report = Artifacts(reports=(Report(kind="junit", paths=("a.xml",)),))
    assert [a["artifact_type"] for a in job_payload(replace(JOB, artifacts=only_report), CONTEXT)["artifacts"]] == [
        "junit"
    ]


@pytest.mark.parametrize(
    ("is_protected", "protectable", "key"),
    [(True, True, "k-protected"), (False, True, "k-non_protected"), (True, False, "k")],
)
def test_caches_of_protected_branches_are_kept_apart(is_protected: bool, protectable: bool, key: str) -> None:
    """GitLab appends the kind of branch to every key unless `unprotect` is set."""
    context = replace(CONTEXT, pipeline=replace(PIPELINE, is_ref_protected=is_protected))
    caches = (Cache(key="k", paths=("p",), protectable=protectable, fallback_keys=("f",)),)
    (cache,) = job_payload(replace(JOB, caches=caches), context)["cache"]
    assert (cache["key"], cache["fallback_keys"]) == (key, ["f" + key[1:]])


def test_credentials_dependencies_and_identity_complete_the_payload() -> None:
    """The payload is JSON, names the job, and gives what image pulls and artifact downloads need."""
    context = replace(CONTEXT, dependencies=(Dependency(id=5, name="lint", filename="a.zip", size_bytes=10),))
    payload = json.loads(json.dumps(job_payload(JOB, context)))
    assert payload["job_info"] == {
        "id": 99,
        "name": "build app",
        "stage": "build",
        "project_id": 7,
        "project_name": "app",
    }
    assert payload["credentials"] == [
        {"type": "registry", "url": "10.1.2.5:5000", "username": "gitlab-ci-token", "password": "glcbt-64_secret"}
    ]
    assert payload["dependencies"] == [
        {"id": 5, "name": "lint", "token": "glcbt-64_secret", "artifacts_file": {"filename": "a.zip", "size": 10}}
    ]
    assert payload["runner_info"]["timeout"] == 1800
