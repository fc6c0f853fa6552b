"""The AWS provider without AWS: its section of sledge.yaml, its names and its buildspec."""

import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sledgehammer.checkout import Checkout
from sledgehammer.config import parse_project
from sledgehammer.dockerfile import parse_dockerfile
from sledgehammer.errors import ConfigurationError, MissingToolError
from sledgehammer.facts import facts_of_version
from sledgehammer.operations import Build, EnvVar, PasswordFromCommand, text
from sledgehammer.plan import BuildPlan, plan_build
from sledgehammer.ports import CiFile, Environment
from sledgehammer.process import LocalProcessRunner
from sledgehammer.project import CacheSettings, Image, Project
from sledgehammer.shell import render_script
from sledgehammer_aws.destination import branch_slug, repository_names
from sledgehammer_aws.provider import PROVIDER
from sledgehammer_aws.settings import Settings, Variable

ROOT = Path("/project")


def project_of(settings: Settings, *, images: tuple[str, ...] = ("web",), strategy: str = "auto") -> Project:
    return Project(
        name="web",
        images=tuple(Image(name=name) for name in images),
        root=ROOT,
        cache=CacheSettings(strategy=strategy),
        providers={"aws": settings},
    )


def plan_of(project: Project) -> BuildPlan:
    destination = PROVIDER.destination(project)
    assert destination.login is not None
    repository = destination.repositories["web"].image
    build = Build(
        image="web",
        context=".",
        dockerfile="Dockerfile",
        target="",
        args=(),
        tags=(text(*repository, ":", *destination.commit),),
        push=True,
    )
    return BuildPlan(operations=(destination.engine, destination.login, build))


def parse(section: str) -> Project:
    content = f"version: 1\nname: web\naws:\n{section}"
    return parse_project(content, root=ROOT, file="sledge.yaml", providers={"aws": PROVIDER})


def test_the_buildspec_runs_the_plans_script_and_nothing_else() -> None:
    """A reader of buildspec 0.2 finds one phase with one command: the very script that other CIs run."""
    project = project_of(Settings())
    plan = plan_of(project)
    ci_file = PROVIDER.render(project, plan)
    document = YAML(typ="safe", pure=True).load(ci_file.text)
    assert document == {"version": 0.2, "phases": {"build": {"commands": [render_script(plan)]}}}


def whole_plan(project: Project) -> BuildPlan:
    """As a command makes it, for a Dockerfile of one step."""
    graph = parse_dockerfile("FROM debian\nRUN make\n")
    destination = PROVIDER.destination(project)
    return plan_build(project, graphs={"web": graph}, facts=facts_of_version("28.5"), destination=destination)


def test_a_carried_folder_has_a_key_for_each_commit_and_falls_back_by_branch() -> None:
    """CodeBuild never overwrites a key's cache, so the commit is in it; the prefixes end in a dot, which no branch's
    slug has, so that main never reads what main-2 wrote."""
    project = project_of(Settings(), strategy="file")
    document = YAML(typ="safe", pure=True).load(PROVIDER.render(project, whole_plan(project)).text)
    assert document["cache"] == {
        "key": "sledge-${SLEDGE_BRANCH}.${SLEDGE_COMMIT}",
        "fallback-keys": ["sledge-${SLEDGE_BRANCH}.", "sledge-main."],
        "paths": [".sledge-cache/**/*"],
    }


@pytest.mark.parametrize(
    ("strategy", "word"), [("registry", "start"), ("codebuild-local", "start"), ("codebuild-docker-server", "wait")]
)
def test_a_daemon_is_started_unless_there_is_a_docker_server(strategy: str, word: str) -> None:
    """CodeBuild points the docker client at a Docker server, and the script leaves it there; nothing is carried."""
    project = project_of(Settings(), strategy=strategy)
    document = YAML(typ="safe", pure=True).load(PROVIDER.render(project, whole_plan(project)).text)
    assert f"sledge_wait_for_engine 60 {word}\n" in document["phases"]["build"]["commands"][0]
    assert "cache" not in document


def test_a_docker_servers_image_is_pushed_from_its_engine() -> None:
    """The push of `docker buildx build` is reported to fail there, `docker push` to work."""
    project = project_of(Settings(), strategy="codebuild-docker-server")
    script = render_script(whole_plan(project))
    assert 'sledge_push web "${SLEDGE_REGISTRY}"/web:"${SLEDGE_COMMIT}"' in script
    assert "type=image" not in script
    assert "buildx create" not in script


def test_a_docker_server_for_arm_is_refused() -> None:
    """CodeBuild has none, and would only say so when the project is made."""
    settings = Settings(build_image="aws/codebuild/amazonlinux-aarch64-standard:3.0")
    with pytest.raises(ConfigurationError, match="no Docker server for ARM") as caught:
        PROVIDER.destination(project_of(settings, strategy="codebuild-docker-server"))
    assert "x86_64" in caught.value.hint


@pytest.mark.parametrize(
    ("image", "platform"),
    [("aws/codebuild/amazonlinux-aarch64-standard:3.0", "linux/arm64"), ("aws/codebuild/standard:7.0", "linux/amd64")],
)
def test_the_build_image_says_what_is_built(image: str, platform: str) -> None:
    """An image that another kind of machine built is not found by its content."""
    assert PROVIDER.destination(project_of(Settings(build_image=image))).platform == platform


def test_the_buildspec_says_who_wrote_it() -> None:
    """The first line is a comment that names sledge and the file to change."""
    project = project_of(Settings())
    first = PROVIDER.render(project, plan_of(project)).text.splitlines()[0]
    assert first.startswith("# Managed by sledge")
    assert "sledge.yaml" in first


def test_the_registry_password_comes_from_the_builds_role() -> None:
    """The login reads a password from the AWS command line on standard input; none is written anywhere."""
    project = project_of(Settings())
    login = PROVIDER.destination(project).login
    assert login is not None
    assert login.password == PasswordFromCommand(argv=("aws", "ecr", "get-login-password"))
    script = PROVIDER.render(project, plan_of(project)).text
    assert 'aws ecr get-login-password | sledge_credentials "${SLEDGE_REGISTRY}" AWS' in script


@pytest.mark.parametrize(
    ("prefix", "image", "repository"),
    [
        ("", "web", "web"),
        ("", "worker", "web/worker"),
        ("acme/shop", "web", "acme/shop"),
        ("acme/shop", "worker", "acme/shop/worker"),
    ],
)
def test_each_image_has_a_repository_and_a_cache_beside_it(prefix: str, image: str, repository: str) -> None:
    """The image named as the project owns the prefix; caches are never in an image's repository."""
    settings = Settings(repository=prefix)
    names = repository_names(project_of(settings), settings, Image(name=image))
    assert (names.image, names.cache) == (repository, f"{repository}-cache")


def test_the_destination_names_what_only_the_build_knows() -> None:
    """Registry, commit and branch are variables of the build; the default branch is known before."""
    destination = PROVIDER.destination(project_of(Settings()))
    assert destination.repositories["web"].cache == (EnvVar("SLEDGE_REGISTRY"), "/web-cache")
    assert destination.commit == (EnvVar("SLEDGE_COMMIT"),)
    assert destination.default_branch == ("main",)
    assert ("image-manifest", "true") in destination.cache_options


@pytest.mark.parametrize(
    ("branch", "slug"),
    [("main", "main"), ("feature/Größe_1", "feature-gr--e-1"), ("x" * 80, "x" * 63), ("", "detached")],
)
def test_a_branch_becomes_part_of_a_tag(branch: str, slug: str) -> None:
    """Whatever a branch is called, a registry takes its slug as part of a tag."""
    assert branch_slug(branch) == slug


def test_the_section_is_read_from_sledge_yaml() -> None:
    """Every kind of value of the aws: section arrives as written."""
    project = parse(
        "  region: eu-central-1\n"
        "  compute_type: BUILD_GENERAL1_LARGE\n"
        "  variables: {MODE: {value: fast}, TOKEN: {secret: 'npm:token'}}\n"
        "  tags: {team: web}\n"
    )
    settings = project.providers["aws"]
    assert isinstance(settings, Settings)
    assert settings.region == "eu-central-1"
    assert settings.compute_type.value == "BUILD_GENERAL1_LARGE"
    assert settings.variables == {"MODE": Variable(value="fast"), "TOKEN": Variable(secret="npm:token")}
    assert settings.tags == {"team": "web"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("  log_retention_days: 8\n", "8 days"),
        ("  variables: {A: {value: x, secret: y}}\n", "one of value, parameter and secret"),
        ("  variables: {A: {}}\n", "one of value, parameter and secret"),
        ("  variables: {CODEBUILD_X: {value: x}}\n", "CODEBUILD_"),
        ("  tags: {managed-by: me}\n", "managed-by"),
        ("  regoin: eu-central-1\n", "region"),
        ("  region: Frankfurt\n", "Frankfurt"),
        ("  timeout_minutes: 4\n", "timeout_minutes"),
    ],
)
def test_a_wrong_section_is_told_with_its_line(section: str, message: str) -> None:
    """What AWS would refuse later is refused while reading, with file and line."""
    with pytest.raises(ConfigurationError, match=r"sledge\.yaml:\d+") as caught:
        parse(section)
    assert message in str(caught.value)


def test_a_project_without_the_section_is_told_what_to_add() -> None:
    """Rendering for AWS needs the aws: section."""
    with pytest.raises(ConfigurationError, match="no aws: section"):
        PROVIDER.destination(Project(name="web", images=(Image(name="web"),), root=ROOT))


def test_without_boto3_connecting_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering works without the SDK; connecting names the extra that brings it."""
    for module in [name for name in sys.modules if name.startswith("sledgehammer_aws.")]:
        if module.rpartition(".")[2] in ("connection", "client", "failures"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "botocore.config", None)
    checkout = Checkout(root=ROOT, prefix="", commit="c", tree="t", branch="main")
    environment = Environment(variables={}, processes=LocalProcessRunner())
    with pytest.raises(MissingToolError) as caught:
        PROVIDER.connect(project_of(Settings()), CiFile(path="", text=""), checkout, environment)
    assert "sledgehammer[aws]" in caught.value.hint
