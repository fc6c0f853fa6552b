"""What the content key depends on, and what the ignore file and the sources of COPY leave out of it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sledgehammer.context import CommitTree, KeyRecipe, NoKey, WorkTree, content_key, key_recipe
from sledgehammer.context.content_key import used_files
from sledgehammer.context.ignore import read_ignore
from sledgehammer.context.pattern import UnreadablePatternError
from sledgehammer.errors import ConfigurationError
from sledgehammer.image_key import image_recipe, known_platform
from sledgehammer.operations import BuilderKind, RemoteBuilder
from sledgehammer.process import LocalProcessRunner
from sledgehammer.project import CacheSettings, Image, Project

RUNNER = LocalProcessRunner()
DIGEST = "sha256:" + "a" * 64
DOCKERFILE = """FROM alpine AS build
ARG VERSION
COPY src package.json /app/
FROM alpine AS other
COPY docs /docs
FROM build
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two stages that copy from the context, one of them outside the target's way."""
    files = {
        "Dockerfile": DOCKERFILE,
        ".dockerignore": ".git\n**/*.log\n",
        "src/main.c": "main",
        "src/run.log": "noise",
        "package.json": "{}",
        "docs/index": "words",
        "README": "hello",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "src" / "link").symlink_to("main.c")
    return tmp_path


def key_of(folder: Path, *, base: str = DIGEST, target: str = "", platform: str = "linux/amd64", **args: str) -> str:
    """The key of the files as they lie there."""
    recipe = key_recipe(WorkTree(folder), target=target, args=args, platform=platform)
    assert isinstance(recipe, KeyRecipe), recipe
    key = content_key(recipe, WorkTree(folder), {"alpine": base})
    assert isinstance(key, str), key
    return key


def paths_used(folder: Path, dockerfile: str, ignore: str = ".git\n") -> list[str]:
    """The files that a Dockerfile's last stage uses."""
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / ".dockerignore").write_text(ignore)
    recipe = key_recipe(WorkTree(folder))
    assert isinstance(recipe, KeyRecipe), recipe
    files = used_files(recipe, WorkTree(folder))
    assert not isinstance(files, NoKey)
    return [file.path for file in files]


def relink(folder: Path) -> None:
    """Let the link lead elsewhere."""
    (folder / "src" / "link").unlink()
    (folder / "src" / "link").symlink_to("run.log")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "src" / "main.c").write_text("other"),
    "executable": lambda folder: (folder / "src" / "main.c").chmod(0o755),
    "renamed": lambda folder: (folder / "src" / "main.c").rename(folder / "src" / "start.c"),
    "added": lambda folder: (folder / "src" / "more.c").write_text(""),
    "removed": lambda folder: (folder / "package.json").unlink(),
    "link": relink,
    "dockerfile": lambda folder: (folder / "Dockerfile").write_text(DOCKERFILE + "# a comment\n"),
    "ignore file": lambda folder: (folder / ".dockerignore").write_text(".git\n**/*.log\n\n"),
    "own ignore file": lambda folder: (folder / "Dockerfile.dockerignore").write_text(".git\n"),
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "times": lambda folder: os.utime(folder / "src" / "main.c", (1, 1)),
    "umask": lambda folder: (folder / "src" / "main.c").chmod(0o666),
    "ignored": lambda folder: (folder / "src" / "run.log").write_text("louder"),
    "unused": lambda folder: (folder / "README").write_text("goodbye"),
    "unused stage": lambda folder: (folder / "docs" / "index").write_text("more words"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_input_changes_the_key(project: Path, change: str) -> None:
    """A change of a used file, its kind or name, of the Dockerfile or of the ignore file is another key."""
    before = key_of(project)

    CHANGES[change](project)

    assert key_of(project) != before


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_the_target_does_not_use_leaves_the_key(project: Path, change: str) -> None:
    """Times, a checkout's umask, ignored files and files that no reachable stage copies do not count."""
    before = key_of(project)

    NO_CHANGES[change](project)

    assert key_of(project) == before


def test_arguments_target_platform_and_base_change_the_key(project: Path) -> None:
    """Each is a part of its own."""
    keys = {
        key_of(project),
        key_of(project, VERSION="1"),
        key_of(project, VERSION="2"),
        key_of(project, target="other"),
        key_of(project, platform="linux/arm64"),
        key_of(project, base="sha256:" + "b" * 64),
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM alpine\nADD https://example.com/x /x\n", "Dockerfile:2: ADD https://example.com/x is fetched"),
        ("FROM alpine\nADD git@example.com:a/b.git /x\n", "Dockerfile:2: ADD git@example.com:a/b.git is fetched"),
        ("FROM alpine\nADD $URL /x\n", "Dockerfile:2: ADD $URL may be fetched"),
        ("# syntax=example/mine\nFROM alpine\n", "the frontend example/mine may read more"),
        ("#!/usr/bin/env x\n# syntax=example/mine\nFROM alpine\n", "the frontend example/mine may read more"),
        ("FROM alpine\nCOPY [a-] /x/\n", "Dockerfile:2: the class in `[a-]`"),
        ("FROM alpine\nCOPY . /x/\n", "the image may hold .git itself"),
        ("FROM alpine\nRUN --mount=target=/src make\n", "the image may hold .git itself"),
        ("FROM alpine\nCOPY .git/refs /x/\n", "the image may hold .git itself"),
        ("FROM alpine\nCOPY */HEAD /x/\n", "the image may hold .git itself"),
        ("FROM alpine\nCOPY --parents a/./b .g*/HEAD /x/\n", "the image may hold .git itself"),
        ("FROM alpine\nCOPY --parents ./**/HEAD /x/\n", "the image may hold .git itself"),
        ("FROM alpine\nRUN --mount=source=.git/logs,target=/l make\n", "the image may hold .git itself"),
    ],
)
def test_a_build_that_is_more_than_its_files_has_no_key(tmp_path: Path, dockerfile: str, reason: str) -> None:
    """What is fetched at build time, read by a foreign frontend or holds .git is never skipped; the reason is told."""
    (tmp_path / "Dockerfile").write_text(dockerfile)

    recipe = key_recipe(WorkTree(tmp_path))

    assert isinstance(recipe, NoKey)
    assert recipe.reason.startswith(reason)


def test_a_frontend_that_an_argument_chooses_has_no_key(project: Path) -> None:
    """It goes before the directive; Docker's own is read as if it were not there."""
    recipe = key_recipe(WorkTree(project), args={"BUILDKIT_SYNTAX": "example/mine"})
    assert isinstance(recipe, NoKey)
    assert recipe.reason == "the frontend example/mine may read more than Dockerfiles say"
    assert isinstance(key_recipe(WorkTree(project), args={"BUILDKIT_SYNTAX": "docker/dockerfile:1"}), KeyRecipe)


@pytest.mark.parametrize(
    ("ignore", "is_out"),
    [
        (".git\n", True),
        ("*\n!src\n!*.md\n", True),
        ("**/.git\n!a/**\n", True),
        (".git/**\n", True),
        ("!**/*.md\n.git\n", True),
        ("*\n!.git\n.git\n", True),
        (".git/refs\n!.git/**/x\n.git/*\n", False),
        ("*\n!.git\n", False),
        (".git/HEAD\n.git/objects\n", False),
        (".git\n!.git/refs\n", False),
        (".git\n!.git/refs\n.git\n", False),
        ("*\n!**/*.md\n.git\n", False),
        ("*\n!.g*/refs\n", False),
        ("*\n![.]git\n", False),
        ("", False),
    ],
)
def test_only_where_the_whole_of_git_is_ignored_has_an_image_a_key(tmp_path: Path, ignore: str, is_out: bool) -> None:
    """A part of it that is let through changes with commits that change nothing else."""
    (tmp_path / "Dockerfile").write_text("FROM alpine\nCOPY . /src\n")
    (tmp_path / ".dockerignore").write_text(ignore)

    assert isinstance(key_recipe(WorkTree(tmp_path)), KeyRecipe if is_out else NoKey)


def test_what_a_remote_builder_builds_for_must_be_said(project: Path) -> None:
    """The job's own machine says nothing of it, so without `platform` an image has no key."""
    image = Image(name="app")
    keys = []
    for platform in ("", "linux/arm64"):
        remote = RemoteBuilder(endpoint="tcp://b:1", platform=platform)
        cache = CacheSettings(builder=BuilderKind.REMOTE, remote=remote)
        whole = Project(name="app", images=(image,), root=project, cache=cache)
        known = known_platform(whole, "linux/amd64")
        keys.append(image_recipe(whole, image, WorkTree(project), platform=known or "linux/amd64"))
    refused, recipe = keys
    assert isinstance(refused, NoKey)
    assert "remote builder" in refused.reason
    assert isinstance(recipe, KeyRecipe)
    assert recipe.platform == "linux/arm64"


def test_a_base_without_a_digest_and_a_missing_dockerfile(project: Path) -> None:
    """The first is no key, the second an error."""
    recipe = key_recipe(WorkTree(project))
    assert isinstance(recipe, KeyRecipe)
    assert content_key(recipe, WorkTree(project), {}) == NoKey(reason="the digest of alpine is not known")
    with pytest.raises(ConfigurationError, match="there is no Else"):
        key_recipe(WorkTree(project), dockerfile="Else")


@pytest.mark.parametrize(
    ("dockerfile", "used"),
    [
        ("FROM scratch\nCOPY src /\n", ["src/link", "src/main.c", "src/run.log"]),
        ("FROM scratch\nCOPY s*/*.c p?ckage.json /\n", ["package.json", "src/main.c"]),
        ('FROM scratch\nCOPY ["src/main.c", "/x"]\n', ["src/main.c"]),
        ("FROM scratch\nARG D=docs\nCOPY ${D}/index /x\n", ["docs/index"]),
        ("FROM scratch\nCOPY <<EOF /x\nREADME\nEOF\n", []),
        ("FROM scratch\nCOPY --parents ./**/index /x/\n", ["docs/index"]),
        ("FROM scratch\nADD --checksum=sha256:aa https://example.com/x docs /x/\n", ["docs/index"]),
        ("FROM scratch\nRUN --mount=type=bind,source=docs,target=/d make\n", ["docs/index"]),
        ("FROM scratch\nRUN --mount=type=cache,target=/d make\n", []),
        ("FROM scratch AS a\nCOPY README /\nFROM scratch\nRUN --mount=from=a,target=/d make\n", ["README"]),
        ("FROM scratch AS a\nONBUILD COPY README /\nFROM a\n", ["README"]),
        ("FROM scratch\nRUN --mount=type=BIND,source=docs,target=/d make\n", ["docs/index"]),
        ("FROM scratch\nARG T=bind S=docs\nRUN --mount=type=$T,src=$S,target=/d make\n", ["docs/index"]),
        ("FROM scratch\nARG T=cache\nRUN --mount=type=$T,target=/d make\n", []),
        ("FROM scratch\nRUN --mount=from=,source=docs,target=/d make\n", ["docs/index"]),
        (
            "FROM scratch AS a\nFROM scratch\nRUN --mount=from=a,from=,source=README,src=docs,target=/d x\n",
            ["docs/index"],
        ),
        ("FROM scratch AS a\nCOPY README /\nFROM scratch\nCOPY docs /\n", ["docs/index"]),
    ],
)
def test_the_files_that_a_dockerfile_uses(project: Path, dockerfile: str, used: list[str]) -> None:
    """Sources of COPY and ADD, with wildcards and variables, and bind mounts of RUN, in reachable stages only."""
    assert paths_used(project, dockerfile) == used


def test_what_cannot_be_told_apart_counts_whole(project: Path) -> None:
    """A source that is a link, or one that the base image's environment may name, stands for the whole context."""
    whole = paths_used(project, "FROM scratch\nCOPY . /\n")
    assert paths_used(project, "FROM scratch\nCOPY src/link /x\n") == whole
    assert paths_used(project, "FROM alpine\nCOPY $HOME/x /x\n") == whole
    assert paths_used(project, "FROM scratch\nCOPY $HOME/x /x\n") == []
    assert paths_used(project, "FROM alpine\nENV D=${HOME:-src}/x\nCOPY $D /x\n") == whole
    assert paths_used(project, "FROM alpine AS a\nARG D=$HOME\nFROM a\nARG D=docs\nCOPY $D /x\n") == ["docs/index"]
    for mount in ("source=lib-$D", "src=lib/${D:-x}", "type=$D"):
        assert paths_used(project, f"FROM alpine\nRUN --mount={mount},target=/d make\n") == whole


@pytest.mark.parametrize(
    ("ignore", "sent"),
    [
        ("*\n!a/b\n", ["a/b"]),
        ("a\n!a/b\n", ["Dockerfile", "a/b"]),
        ("a/b\n!a\n", ["Dockerfile", "a/c"]),
        ("**\n", []),
        ("/a/\n", ["Dockerfile"]),
        ("# a\n  a/c  \n", ["Dockerfile", "a/b"]),
        ("#\n!\\#x\n*/?\n", ["Dockerfile"]),
        ("\ufeffa\n", ["Dockerfile"]),
        ("Dockerfile\n", ["a/b", "a/c"]),
    ],
)
def test_ignore_rules_in_order(ignore: str, sent: list[str]) -> None:
    """Each answer is one that BuildKit gave."""
    is_ignored = read_ignore(ignore.encode()).matcher()

    assert [path for path in ("Dockerfile", "a/b", "a/c") if not is_ignored(path)] == sent


@pytest.mark.parametrize("line", ["!", "[", "a[b", "[]a]", "[b-a]", "x\\", "[a*]"])
def test_an_ignore_rule_that_cannot_be_read_is_an_error(line: str) -> None:
    """Go refuses these, or reads them in a way of its own."""
    with pytest.raises(UnreadablePatternError):
        read_ignore(f"{line}\n".encode())


def test_a_submodule_that_is_used_has_no_key(project: Path) -> None:
    """Its files are not in the commit; where no source takes it, it does not matter."""

    def git(*argv: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
        subprocess.run(["git", *identity, *argv], cwd=project, check=True, capture_output=True)

    git("init", "-q")
    git("add", "Dockerfile", ".dockerignore", "package.json", "src")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git("commit", "-q", "-m", "first")
    tree = CommitTree(root=project, commit="HEAD", processes=RUNNER)
    recipe = key_recipe(tree)
    assert isinstance(recipe, KeyRecipe)
    assert isinstance(content_key(recipe, tree, {"alpine": DIGEST}), str)
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},src/lib")
    git("commit", "-q", "-m", "second")
    key = content_key(recipe, tree, {"alpine": DIGEST})
    assert key == NoKey(reason="a submodule is used, whose files the commit does not hold")
