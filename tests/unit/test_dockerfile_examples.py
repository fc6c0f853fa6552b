"""The examples' own sledge.yaml and Dockerfile."""

import json
from pathlib import Path

import pytest

from sledgehammer.config import load_project
from sledgehammer.dockerfile import StageGraph, parse_dockerfile
from sledgehammer.providers import load_providers
from sledgehammer_localstack.images.on_request import ALL_RECIPES

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("rust-rocket", "node-web", "python-api", "java-maven")


def graph_of(example: str) -> StageGraph:
    return parse_dockerfile((EXAMPLES / example / "Dockerfile").read_text())


@pytest.mark.parametrize("example", NAMES)
def test_an_example_goes_to_both_clouds(example: str) -> None:
    """The file has a section for each cloud and one image, named as its folder."""
    project = load_project(EXAMPLES / example / "sledge.yaml", providers=load_providers())
    assert (project.name, [image.name for image in project.images]) == (example, [example])
    assert set(project.providers) == {"gitlab", "aws"}


@pytest.mark.parametrize(
    ("example", "images"),
    [
        ("rust-rocket", ("rust:1.85-slim", "debian:trixie-slim")),
        ("node-web", ("node:20-slim",)),
        ("python-api", ("python:3.13-slim",)),
        ("java-maven", ("maven:3.9-eclipse-temurin-21", "eclipse-temurin:21-jre")),
    ],
)
def test_an_example_builds_in_two_stages(example: str, images: tuple[str, ...]) -> None:
    """A build stage and a package stage on public images, read by the built-in frontend."""
    graph = graph_of(example)
    assert [stage.name for stage in graph.reachable("package")] == ["build", "package"]
    assert graph.base_images() == images
    assert graph.directives.syntax == ""


@pytest.mark.parametrize(
    ("example", "lock_file", "sources"),
    [("rust-rocket", "Cargo.lock", "src"), ("java-maven", "pom.xml", "src")],
)
def test_dependencies_are_built_before_the_sources_are_copied(example: str, lock_file: str, sources: str) -> None:
    """A change in the sources leaves the step that builds the dependencies cached."""
    steps = [(step.keyword, step.text) for step in graph_of(example).stage("build").instructions]
    copies = [index for index, (keyword, text) in enumerate(steps) if keyword == "COPY"]
    dependencies = next(index for index, (keyword, _) in enumerate(steps) if keyword == "RUN")
    assert lock_file in steps[copies[0]][1]
    assert steps[copies[1]][1].startswith(sources)
    assert copies[0] < dependencies < copies[1]


@pytest.mark.parametrize(
    ("example", "lock_file", "sources"),
    [("node-web", "package-lock.json", "server.js"), ("python-api", "requirements.txt", "service.py")],
)
def test_sources_that_are_not_compiled_go_into_the_package_alone(example: str, lock_file: str, sources: str) -> None:
    """A change in them reaches one copy, the last; no step that runs a program stands behind it."""
    graph = graph_of(example)
    build = [step.text for step in graph.stage("build").instructions if step.keyword == "COPY"]
    assert lock_file in build[0]
    assert not any(sources in text for text in build)
    steps = [step for step in graph.stage("package").instructions if step.keyword in ("COPY", "RUN", "ADD")]
    assert [step.keyword for step in steps] == ["COPY", "COPY"]
    assert sources in steps[-1].text


@pytest.mark.parametrize("example", NAMES)
def test_every_copy_into_the_package_is_linked(example: str) -> None:
    """So that a hit pulls nothing of what lies below the copy."""
    steps = graph_of(example).stage("package").instructions
    assert all("link" in [flag.name for flag in step.flags] for step in steps if step.keyword == "COPY")


@pytest.mark.parametrize("example", NAMES)
def test_the_package_does_not_run_as_root(example: str) -> None:
    """The last USER of the image that runs is a number that is not root's."""
    users = [step.text for step in graph_of(example).stage("package").instructions if step.keyword == "USER"]
    assert users[-1] == "10001:10001"


def test_base_images_are_among_those_that_the_stack_can_make() -> None:
    """Without Docker Hub every example builds on images that the local stack's mirror can hold."""
    held = {tag for recipe in ALL_RECIPES if recipe.is_mirrored for tag in recipe.tags}
    assert {image for example in NAMES for image in graph_of(example).base_images()} <= held


def test_python_requirements_are_pinned_with_checksums() -> None:
    """pip takes nothing that the file does not name by version and checksum."""
    text = (EXAMPLES / "python-api" / "requirements.txt").read_text().replace("\\\n", " ")
    wanted = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert wanted
    assert all("==" in line and "--hash=sha256:" in line for line in wanted)


def test_the_npm_lock_file_names_no_registry() -> None:
    """A build behind a mirror takes the packages from its own registry, checked by their checksums."""
    packages = json.loads((EXAMPLES / "node-web" / "package-lock.json").read_text())["packages"]
    locked = [package for path, package in packages.items() if path]
    assert locked
    assert all("integrity" in package and "resolved" not in package for package in locked)
