import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sledgehammer.config import load_project
from sledgehammer.destination import Destination
from sledgehammer.errors import ConfigurationError, MissingToolError
from sledgehammer.operations import Build, CacheFolder, EnvVar, Login, PasswordFromEnv, text
from sledgehammer.plan import BuildPlan
from sledgehammer.project import Image, Project
from sledgehammer.shell import render_script
from sledgehammer_gitlab.destination import destination_of, ref_slug
from sledgehammer_gitlab.provider import PROVIDER
from sledgehammer_gitlab.render import Origin, origin_of, render_ci_text
from sledgehammer_gitlab.settings import IdToken, Settings, Visibility

SETTINGS = Settings(project="team/web")


def project_of(*images: str, name: str = "web", settings: object = SETTINGS) -> Project:
    return Project(
        name=name,
        images=tuple(Image(name=image) for image in images or (name,)),
        root=Path("/nowhere"),
        docker_version="26.1",
        providers={"gitlab": settings},
    )


def plan_of(destination: Destination) -> BuildPlan:
    builds = [
        Build(
            image=image,
            context=".",
            dockerfile="Dockerfile",
            target="",
            args=(("GREETING", 'it\'s $HOME: "quoted"  '),),
            tags=(text(*repository.image, ":", *destination.commit),),
            push=True,
        )
        for image, repository in destination.repositories.items()
    ]
    assert destination.login is not None
    return BuildPlan(operations=(destination.engine, destination.login, *builds))


def rendered(settings: Settings = SETTINGS) -> str:
    project = project_of(settings=settings)
    return render_ci_text(project, settings, plan_of(destination_of(project, SETTINGS.project)))


def job_of(ci_text: str) -> dict[str, object]:
    job = YAML(typ="safe").load(ci_text)["build"]
    assert isinstance(job, dict)
    return job


def test_gitlab_ci_file_passes_gitlabs_schema(tmp_path: Path) -> None:
    """What is rendered is valid against GitLab's own schema of the CI file."""
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(rendered(replace(SETTINGS, runner_tags=("privileged", "linux"))))
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"),
            *("--data-transform", "gitlab-ci", str(file)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_gitlab_job_runs_the_plans_script_unchanged() -> None:
    """The script that the runner gets is the shell renderer's text, byte for byte, quotes and spaces included."""
    destination = destination_of(project_of(), SETTINGS.project)
    assert job_of(rendered())["script"] == [render_script(plan_of(destination))]


def test_gitlab_job_is_docker_in_docker_over_tls() -> None:
    """The job finds its engine on the TLS port of the dind service, of the version that sledge.yaml names."""
    job = job_of(rendered())
    assert job["image"] == "docker:26.1-cli"
    assert job["services"] == [
        {"name": "docker:26.1-dind", "alias": "docker", "variables": {"HEALTHCHECK_TCP_PORT": "2376"}}
    ]
    assert job["variables"] == {
        "DOCKER_HOST": "tcp://docker:2376",
        "DOCKER_TLS_CERTDIR": "/certs",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": "$DOCKER_TLS_CERTDIR/client",
    }


def test_gitlab_job_carries_the_settings() -> None:
    """Runner tags and the time limit of sledge.yaml reach the job; without tags any runner may take it."""
    job = job_of(rendered(replace(SETTINGS, runner_tags=("big",), timeout_minutes=15)))
    assert (job["tags"], job["timeout"]) == (["big"], "15 minutes")
    assert "tags" not in job_of(rendered())


def test_gitlab_ci_file_tells_whose_it_is() -> None:
    """A CI file of ours is recognised, one edited by hand too, and a person's own file is foreign."""
    ours = rendered()
    assert origin_of(ours) is Origin.OURS
    assert origin_of(ours.replace("60 minutes", "2 hours")) is Origin.EDITED
    assert origin_of("test:\n  script: make test\n") is Origin.FOREIGN
    assert rendered() == ours


def test_gitlab_destination_uses_the_projects_registry() -> None:
    """The image named as the project owns the root repository, every other one a repository below it."""
    repositories = destination_of(project_of("web", "worker"), SETTINGS.project).repositories
    script = render_script(plan_of(destination_of(project_of("web", "worker"), SETTINGS.project)))
    assert '"${CI_REGISTRY_IMAGE}":"${CI_COMMIT_SHA}"' in script
    assert '"${CI_REGISTRY_IMAGE}"/worker:"${CI_COMMIT_SHA}"' in script
    assert repositories["web"].cache[-1] == "/cache"
    assert repositories["worker"].cache[-1] == "/worker/cache"


def test_gitlab_jobs_of_forks_read_the_home_projects_cache() -> None:
    """The default branch's ref is that of the project in sledge.yaml, in whichever project the job runs."""
    destination = destination_of(project_of("web", "worker"), "Team/Web")
    assert destination.repositories["worker"].home_cache == (EnvVar("CI_REGISTRY"), "/team/web/worker/cache")
    assert (destination.trust.here, destination.trust.home) == ((EnvVar("CI_PROJECT_PATH_SLUG"),), ("team-web",))


def test_gitlab_carries_a_cache_folder_from_job_to_job() -> None:
    """One copy for each branch, the default branch's where there is none yet; no folder, no cache."""
    folder = CacheFolder(path=".kept", key=("sledge-", EnvVar("CI_COMMIT_REF_SLUG")), fallback=("sledge-main",))
    project = project_of()
    plan = BuildPlan(operations=(folder,))
    assert job_of(render_ci_text(project, SETTINGS, plan))["cache"] == {
        "key": "sledge-${CI_COMMIT_REF_SLUG}",
        "fallback_keys": ["sledge-main"],
        "paths": [".kept/"],
    }
    assert "cache" not in job_of(rendered())


def test_gitlab_destination_logs_in_with_the_jobs_own_credentials() -> None:
    """The password is taken from CI_REGISTRY_PASSWORD inside the job, so none is written into the file."""
    login = destination_of(project_of(), SETTINGS.project).login
    assert isinstance(login, Login)
    assert login.password == PasswordFromEnv(variable="CI_REGISTRY_PASSWORD")


@pytest.mark.parametrize(
    ("ref", "slug"),
    [("main", "main"), ("Feature/Äpfel_2", "feature--pfel-2"), ("-x-", "x"), ("a" * 80, "a" * 63)],
)
def test_gitlab_ref_slug_is_gitlabs(ref: str, slug: str) -> None:
    """The default branch's cache has the name that a job on that branch writes."""
    assert ref_slug(ref) == slug


def test_gitlab_section_is_parsed_from_the_project_file(tmp_path: Path) -> None:
    """A full section of sledge.yaml becomes typed settings."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "sledge.yaml").write_text(
        "version: 1\nname: web\ngitlab:\n  project: team/sub/web\n  url: https://gitlab.example.com\n"
        "  visibility: internal\n  variables:\n    API_KEY: {from_env: API_KEY, masked: true}\n"
        "    STAGE: [{value: live, environment_scope: prod}, {value: test}]\n"
    )
    settings = load_project(tmp_path / "sledge.yaml", providers={"gitlab": PROVIDER}).providers["gitlab"]
    assert isinstance(settings, Settings)
    assert settings.visibility is Visibility.INTERNAL
    assert [(key, one.masked, one.environment_scope) for key, one in settings.each_variable] == [
        ("API_KEY", True, "*"),
        ("STAGE", False, "prod"),
        ("STAGE", False, "*"),
    ]


@pytest.mark.parametrize(
    "section",
    [
        "{project: web}",
        "{project: team/web, variables: {X: {}}}",
        "{project: team/web, variables: {X: {value: a, from_env: B}}}",
        "{project: team/web, url: gitlab.example.com}",
        "{project: team/web, timeout_minutes: 1}",
    ],
)
def test_gitlab_section_refuses_what_gitlab_would(tmp_path: Path, section: str) -> None:
    """A mistake in the section is told with the file's name, before anything is sent."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "sledge.yaml").write_text(f"version: 1\nname: web\ngitlab: {section}\n")
    with pytest.raises(ConfigurationError, match=r"sledge\.yaml:3"):
        load_project(tmp_path / "sledge.yaml", providers={"gitlab": PROVIDER})


def test_gitlab_provider_names_the_missing_extra() -> None:
    """Without python-gitlab the provider renders all the same; connecting says what to install."""
    script = (
        "import sys; sys.modules['gitlab'] = None\n"
        "from sledgehammer.errors import MissingToolError\n"
        "from sledgehammer_gitlab.provider import PROVIDER\n"
        "from pathlib import Path\n"
        "from sledgehammer.project import Project\n"
        "from sledgehammer_gitlab.settings import Settings\n"
        "p = Project(name='w', images=(), root=Path('.'), providers={'gitlab': Settings(project='a/w')})\n"
        "try:\n    PROVIDER.connect(p, None, None, None)\n"
        "except MissingToolError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'sledgehammer[gitlab]'" in done.stdout, done.stderr
    assert MissingToolError.exit_code == 10


def test_gitlab_id_tokens_are_for_whom_the_settings_say() -> None:
    """One audience as a text, several as a list; without the setting the job has none."""
    tokens = {"AWS_TOKEN": IdToken(aud="sts.amazonaws.com"), "TWO": IdToken(aud=("a", "b"))}
    assert job_of(rendered(replace(SETTINGS, id_tokens=tokens)))["id_tokens"] == {
        "AWS_TOKEN": {"aud": "sts.amazonaws.com"},
        "TWO": {"aud": ["a", "b"]},
    }
    assert "id_tokens" not in job_of(rendered())
