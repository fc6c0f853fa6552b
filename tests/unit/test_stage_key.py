"""The key of one stage: what moves it, and that POSIX sh makes the same one in a job from files that it reads once."""

import os
import random
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from context_trees import SOURCES, ignore_text, make_tree

from sledgehammer.context import KeyRecipe, NoKey, WorkTree, content_key, key_recipe
from sledgehammer.context.stage_key import stage_recipe
from sledgehammer.dockerfile import parse_dockerfile
from sledgehammer.operations import STAGE_KEY, Build, BuildTool, KeyedStage, StageKeys
from sledgehammer.shell.content_key import content_key_functions
from sledgehammer.shell.stage_key_lines import stage_key_lines

DIGEST = "sha256:" + "a" * 64
SHELLS = ("dash", "busybox")
DOCKERFILE = """# a comment
ARG BASE=debian
FROM ${BASE} AS deps
ARG REGISTRY
COPY lock /lock
RUN install
FROM deps AS build
ARG VERSION
COPY src /src
RUN make
FROM debian
COPY --from=build /program /
"""


def recipe_of(folder: Path, stage: str, **args: str) -> KeyRecipe | NoKey:
    """The recipe of a stage as the project's folder stands."""
    whole = key_recipe(WorkTree(folder), args=args)
    assert isinstance(whole, KeyRecipe)
    text = (folder / "Dockerfile").read_text()
    return stage_recipe(whole, parse_dockerfile(text, name="Dockerfile"), stage, args)


def key_of(folder: Path, stage: str, *, base: str = DIGEST, **args: str) -> str:
    """The key of a stage as the project's folder stands."""
    recipe = recipe_of(folder, stage, **args)
    assert isinstance(recipe, KeyRecipe)
    key = content_key(recipe, WorkTree(folder), {"debian": base, "alpine": base})
    assert isinstance(key, str)
    return key


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Dependencies, a build upon them, a package."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "lock").write_text("one\n")
    (folder / "src/main").write_text("one\n")
    return folder


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RUN make", "RUN make -j2"),
        ("# a comment", "# another\n\n"),
        ("FROM debian\n", "FROM debian AS package\n"),
        ("RUN install", "# why\nRUN install"),
    ],
)
def test_what_a_stage_does_not_see_leaves_its_key(project: Path, old: str, new: str) -> None:
    """Another stage, a comment, a file and an argument that only later stages use."""
    before = key_of(project, "deps", VERSION="1")
    (project / "Dockerfile").write_text(DOCKERFILE.replace(old, new))
    (project / "src/main").write_text("two\n")

    assert key_of(project, "deps", VERSION="2") == before


@pytest.mark.parametrize(("old", "new"), [("RUN install", "RUN install all"), ("=debian", "=alpine"), ("COPY", "ADD")])
def test_what_a_stage_is_made_of_is_in_its_key(project: Path, old: str, new: str) -> None:
    """Its own text and the arguments above the first FROM, and so in the key of the stage upon it."""
    before = key_of(project, "deps"), key_of(project, "build")
    (project / "Dockerfile").write_text(DOCKERFILE.replace(old, new, 1))

    assert key_of(project, "deps") != before[0]
    assert key_of(project, "build") != before[1]


def test_files_arguments_and_bases_change_the_key(project: Path) -> None:
    """The lock file, an argument that the stage declares, the digest of its base."""
    keys = {key_of(project, "deps"), key_of(project, "deps", REGISTRY="r"), key_of(project, "deps", base="sha256:b")}
    (project / "lock").write_text("two\n")

    assert len({*keys, key_of(project, "deps")}) == 4


def test_a_stage_may_have_a_key_where_the_image_has_none(project: Path) -> None:
    """A later stage that fetches from elsewhere leaves the key of the dependencies."""
    (project / "Dockerfile").write_text(DOCKERFILE.replace("RUN make", "ADD https://example.com/x /x"))
    whole = key_recipe(WorkTree(project))
    assert isinstance(whole, NoKey)
    assert whole.recipe is not None
    graph = parse_dockerfile((project / "Dockerfile").read_text(), name="Dockerfile")

    assert isinstance(stage_recipe(whole.recipe, graph, "deps"), KeyRecipe)
    refused = stage_recipe(whole.recipe, graph, "build")
    assert isinstance(refused, NoKey)
    assert "ADD https://example.com/x" in refused.reason


def refs_in_job(
    shell: str, folder: Path, *stages: str, bases: str = "", changed: str = "", tools: Path | None = None
) -> tuple[list[str], str]:
    """What each stage's refs turn out to be, and what the job said; `changed` is written after the CI file was made."""
    text = (folder / "Dockerfile").read_text()
    whole = key_recipe(WorkTree(folder))
    recipe = whole.recipe if isinstance(whole, NoKey) else whole
    assert recipe is not None
    graph = parse_dockerfile(text, name="Dockerfile")
    keyed = tuple(
        KeyedStage(
            name=stage, recipe=stage_recipe(recipe, graph, stage), shared=("r:", STAGE_KEY), own=("o",), by_branch=()
        )
        for stage in stages
    )
    build = Build(
        image="app",
        context=".",
        dockerfile="Dockerfile",
        target="",
        args=(),
        tags=(),
        push=True,
        tool=BuildTool.BUILDKIT,
        stage_keys=StageKeys(recipe=recipe, stages=keyed, is_protected=("true",), here=(), home=()),
    )
    lines = stage_key_lines(build, "app")
    if changed:
        (folder / changed).write_text("FROM debian\n")
    return run_lines(shell, folder, lines, len(stages), bases, tools)


def run_lines(
    shell: str, folder: Path, lines: list[str], count: int, bases: str, first: Path | None
) -> tuple[list[str], str]:
    """Run the lines as a job does, with the tools of a folder first on its PATH."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} on this machine")
    tools, scratch = folder.parent / "tools", folder.parent / "scratch"
    if shell == "busybox" and not tools.exists():
        tools.mkdir()
        subprocess.run([found, "--install", "-s", str(tools)], check=True)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    shown = "\n".join(f'printf "ref %s %s\\n" "$app_shared_{number}" "$app_own_{number}"' for number in range(count))
    script = "\n".join(
        [
            "set -eu",
            "sledge_say() { printf 'sledge: %s\\n' \"$*\"; }",
            "sledge_resolve_bases() { sledge_bases=$bases; }",
            content_key_functions(),
            'uname() { echo "${machine-x86_64}"; }',
            'sledge_find_platform ""',
            files("sledgehammer.shell").joinpath("stage_key.sh").read_text(),
            *lines,
            shown,
        ]
    )
    path = str(tools) if shell == "busybox" else os.environ["PATH"]
    path = path if first is None else f"{first}:{path}"
    argv = [found, "sh"] if shell == "busybox" else [found]
    environment = {"PATH": path, "sledge_dir": str(scratch), "bases": bases, "LANG": "C.UTF-8"}
    done = subprocess.run([*argv, "-c", script], cwd=folder, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    said = done.stdout.decode().splitlines()
    refs = [line.removeprefix("ref ") for line in said if line.startswith("ref ")]
    return refs, "\n".join(line for line in said if not line.startswith("ref "))


@pytest.mark.parametrize("shell", SHELLS)
def test_the_key_of_a_job_is_the_key_of_its_files(shell: str, tmp_path: Path) -> None:
    """Over random trees, ignore files and sources of three stages, with links and awkward names."""
    for seed in range(12):
        folder = tmp_path / f"{seed}" / "project"
        make_tree(folder, seed)
        choose = random.Random(seed)  # noqa: S311 - repeatable on purpose
        one, two, three = (choose.choice(SOURCES) for _ in range(3))
        (folder / "Dockerfile").write_text(
            f'FROM debian AS one\nCOPY ["{one}", "/x/"]\n'
            f'FROM scratch AS two\nCOPY --from=one / /\nCOPY ["{two}", "/y/"]\n'
            f'FROM alpine\nCOPY --from=two / /\nCOPY ["{three}", "/z/"]\n'
        )
        (folder / ".dockerignore").write_text(ignore_text(seed))
        if isinstance(key_recipe(WorkTree(folder)), NoKey):  # .git may be sent
            (folder / ".dockerignore").write_text(f".git\n{ignore_text(seed).replace('!', '')}")
        expected = [f"r:{key_of(folder, stage)[:32]}" for stage in ("one", "two")]

        refs, said = refs_in_job(shell, folder, "one", "two", bases=f"alpine {DIGEST}\ndebian {DIGEST}")

        assert said == ""
        assert refs == [f"{ref} {ref}" for ref in expected], seed


@pytest.mark.parametrize("shell", SHELLS)
def test_a_stage_without_a_key_is_kept_by_branch(shell: str, project: Path) -> None:
    """A base of unknown digest and what is fetched from elsewhere leave the other stages their keys; a Dockerfile or an
    ignore file that has changed since the CI file was made leaves none."""
    text = DOCKERFILE.replace("FROM debian\n", "FROM alpine AS other\nRUN x\nFROM debian\nCOPY --from=other / /\n")
    (project / "Dockerfile").write_text(text.replace("RUN make", "ADD https://example.com/x /x"))

    refs, said = refs_in_job(shell, project, "deps", "build", "other", bases=f"debian {DIGEST}")

    assert refs[0].startswith("r:")
    assert refs[1:] == [" ", " "]
    assert "stage build is kept by branch alone: Dockerfile:10: ADD https://example.com/x" in said

    for changed, what in (("Dockerfile.dockerignore", "ignore file"), ("Dockerfile", "Dockerfile")):
        refs, said = refs_in_job(shell, project, "deps", bases=f"debian {DIGEST}", changed=changed)
        assert refs == [" "]
        assert f"stages are kept by branch alone: the {what} changed since sledge apply" in said


def test_the_files_are_read_once_for_all_stages(project: Path) -> None:
    """Each is hashed once, however many stages choose it: the tools that read are counted."""
    tools = project.parent / "counted"
    tools.mkdir()
    (tools / "sha256sum").write_text(f'#!/bin/sh\necho "$@" >>{tools}/calls\nexec {shutil.which("sha256sum")} "$@"\n')
    (tools / "sha256sum").chmod(0o755)

    refs, _ = refs_in_job("dash", project, "deps", "build", bases=f"debian {DIGEST}", tools=tools)

    assert all(ref.startswith("r:") for ref in refs)
    read = (tools / "calls").read_text().split()
    assert sorted(read) == ["./lock", "./src/main"]
