"""The content key made by POSIX sh in a CI job equals the one made from a commit and from a work tree."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from context_trees import dockerfile_text, ignore_text, make_tree

from sledgehammer.context import CommitTree, KeyRecipe, NoKey, WorkTree, content_key, key_recipe
from sledgehammer.process import LocalProcessRunner
from sledgehammer.shell.content_key import content_key_functions, render_content_key

RUNNER = LocalProcessRunner()
SEEDS = range(20)
SHELLS = ("dash", "busybox")


def git(folder: Path, *argv: str) -> None:
    """Run git as nobody in particular."""
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "core.safecrlf=false")
    subprocess.run(["git", *identity, *argv], cwd=folder, check=True, capture_output=True)


def commit_all(folder: Path) -> None:
    """One commit of everything."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A", "-f", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", "all")


def shell_argv(name: str, tools: Path) -> tuple[list[str], str]:
    """The shell, and a PATH on which, for busybox, every tool is its own applet."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    if name != "busybox":
        return [found], os.environ["PATH"]
    if not tools.exists():
        tools.mkdir()
        subprocess.run([found, "--install", "-s", str(tools)], check=True)
    return [found, "sh"], str(tools)


def key_in_job(
    shell: str, folder: Path, recipe: KeyRecipe | NoKey, bases: str = "", machine: str = "x86_64", **variables: str
) -> tuple[str, str]:
    """What the shell finds in the folder: the key and what it said."""
    argv, path = shell_argv(shell, folder.parent / "tools")
    scratch = folder.parent / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    call = render_content_key(recipe, image="app")
    script = f"""set -eu
sledge_say() {{ printf 'sledge: %s\\n' "$*"; }}
{content_key_functions()}
uname() {{ echo {machine}; }}
sledge_find_platform ""
{call}
printf 'key=%s\\n' "$sledge_key"
"""
    environment = {"PATH": path, "sledge_dir": str(scratch), "sledge_bases": bases, "LANG": "C.UTF-8", **variables}
    done = subprocess.run([*argv, "-c", script], cwd=folder, env=environment, capture_output=True, check=False)
    said = done.stdout.decode()
    assert (done.returncode, done.stderr.decode()) == (0, ""), said
    before, _, key = said.partition("key=")
    return key.strip(), before.strip()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_key_of_a_job_is_the_key_of_its_commit(shell: str, tmp_path: Path) -> None:
    """Over random trees, ignore files and Dockerfiles, with and without .git, from a subfolder's commit and disk."""
    distinct = set()
    for seed in SEEDS:
        folder = tmp_path / f"{seed}" / "project"
        make_tree(folder, seed)
        folder.mkdir(exist_ok=True, parents=True)
        (folder / "Dockerfile").write_text(dockerfile_text(seed))
        (folder / ".dockerignore").write_text(ignore_text(seed))
        commit_all(folder.parent if seed % 2 else folder)
        prefix = "project/" if seed % 2 else ""
        committed = CommitTree(root=folder, commit="HEAD", processes=RUNNER, prefix=prefix)
        found = key_recipe(committed, args={"A": "1\n2"})
        recipe = (
            found.recipe if isinstance(found, NoKey) else found
        )  # where .git may be sent the files make a key still
        assert recipe is not None

        key = content_key(recipe, committed, {})

        assert content_key(recipe, WorkTree(folder), {}) == key, seed
        told = ("", f"sledge: image app: no content key: {key.reason}") if isinstance(key, NoKey) else (key, "")
        assert key_in_job(shell, folder, recipe) == told, seed
        distinct.add(key)
    assert len(distinct) >= len(SEEDS) - 2


@pytest.mark.parametrize("shell", SHELLS)
def test_a_link_that_may_lead_into_git(shell: str, tmp_path: Path) -> None:
    """A source that is a link has a key only where .git is not sent, for it may lead there."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY heads /heads\n")
    (folder / "heads").symlink_to(".git/refs/heads")
    recipe = key_recipe(WorkTree(folder))
    assert isinstance(recipe, KeyRecipe)
    refused = content_key(recipe, WorkTree(folder), {})
    assert isinstance(refused, NoKey)
    assert "may lead into .git" in refused.reason
    assert key_in_job(shell, folder, recipe) == ("", f"sledge: image app: no content key: {refused.reason}")

    (folder / ".dockerignore").write_text(".git\n")
    recipe = key_recipe(WorkTree(folder))
    assert isinstance(recipe, KeyRecipe)
    assert key_in_job(shell, folder, recipe) == (content_key(recipe, WorkTree(folder), {}), "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_target_of_a_link_counts_to_its_last_byte(shell: str, tmp_path: Path) -> None:
    """A line break at its end, too."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text(".git\n")
    keys = set()
    for target in ("a", "a\n", "a\n\n", "."):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(target)
        recipe = key_recipe(WorkTree(folder))
        assert isinstance(recipe, KeyRecipe)
        key = content_key(recipe, WorkTree(folder), {})
        assert key_in_job(shell, folder, recipe) == (key, "")
        keys.add(key)
    assert len(keys) == 4


@pytest.mark.parametrize("shell", SHELLS)
def test_a_dockerfile_and_an_ignore_file_behind_links(shell: str, tmp_path: Path) -> None:
    """A commit holds the text of a link in their place; what counts is where it leads, also out of the project's folder
    and through a linked folder."""
    folder = tmp_path / "project"
    (folder / "docker").mkdir(parents=True)
    (folder / "a").write_text("a")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "web").write_text("FROM scratch\nCOPY . /\n")
    (folder / "docker" / "ignored").write_text(".git\n")
    (folder / "docker" / "all").symlink_to("../../shared")
    (folder / "Dockerfile").symlink_to("docker/all/web")
    (folder / ".dockerignore").symlink_to("docker/ignored")
    commit_all(tmp_path)
    committed = CommitTree(root=folder, commit="HEAD", processes=RUNNER, prefix="project/")
    recipe = key_recipe(committed)
    assert isinstance(recipe, KeyRecipe)

    key = content_key(recipe, committed, {})

    assert key == content_key(recipe, WorkTree(folder), {})
    assert key_in_job(shell, folder, recipe) == (key, "")
    assert [committed.read(name) for name in ("nowhere", "docker")] == [None, None]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_key_of_another_platform(shell: str, tmp_path: Path) -> None:
    """A job has a key where it builds for the platform that its script was made for, and else a line that says so."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        "FROM alpine-$TARGETARCH$TARGETVARIANT\nARG TARGETARCH\nCOPY bin-$TARGETARCH /bin\n"
    )
    (folder / "bin-arm").write_text("")
    recipe = key_recipe(WorkTree(folder), platform="linux/arm/v7")
    assert isinstance(recipe, KeyRecipe)
    assert recipe.base_images == ("alpine-armv7",)
    digest = "sha256:" + "a" * 64
    key = content_key(recipe, WorkTree(folder), {"alpine-armv7": digest})

    bases = f"alpine-armv7 {digest}"
    assert key_in_job(shell, folder, recipe, bases, machine="armv7l") == (key, "")
    assert key_in_job(shell, folder, recipe, bases, DOCKER_DEFAULT_PLATFORM="linux/arm/v7") == (key, "")
    said = "sledge: image app: no content key: this job builds for linux/arm64, not for the platform in sledge.yaml"
    assert key_in_job(shell, folder, recipe, bases, machine="aarch64") == ("", said)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_key_of_many_files(shell: str, tmp_path: Path) -> None:
    """More names than one command line takes: sums are made in batches and still belong to their files."""
    folder = tmp_path / "project"
    for number in range(30):
        (folder / f"d{number}").mkdir(parents=True)
        for file in range(100):
            (folder / f"d{number}" / f"f{file}-{'x' * 100}.c").write_text(f"{number} {file}")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text("**/*.o\n.git\nd1\n!d1/f1-*\n**/f99-*\n")
    recipe = key_recipe(WorkTree(folder))
    assert isinstance(recipe, KeyRecipe)

    assert key_in_job(shell, folder, recipe) == (content_key(recipe, WorkTree(folder), {}), "")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_job_whose_files_no_longer_fit_its_script_has_no_key(shell: str, tmp_path: Path) -> None:
    """A changed Dockerfile or ignore file, an unknown base digest, a line break in a name: one line, and no key."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM alpine\nCOPY . /\n")
    (folder / ".dockerignore").write_text(".git\n")
    recipe = key_recipe(WorkTree(folder))
    assert isinstance(recipe, KeyRecipe)
    digest = "sha256:" + "a" * 64
    assert key_in_job(shell, folder, recipe, f"alpine {digest}") == (
        content_key(recipe, WorkTree(folder), {"alpine": digest}),
        "",
    )
    assert key_in_job(shell, folder, recipe, "alpine ") == (
        "",
        "sledge: image app: no content key: the digest of a base image is not known",
    )
    (folder / "Dockerfile.dockerignore").write_text("a\n")
    assert "the ignore file changed since sledge apply" in key_in_job(shell, folder, recipe, f"alpine {digest}")[1]
    (folder / "Dockerfile.dockerignore").unlink()
    (folder / "two\nlines").write_text("")
    said = "sledge: image app: no content key: a file's name has a line break"
    assert key_in_job(shell, folder, recipe, f"alpine {digest}") == ("", said)
    (folder / "two\nlines").unlink()
    (folder / "Dockerfile").write_text("FROM alpine\nCOPY . / \n")
    said = "sledge: image app: no content key: the Dockerfile changed since sledge apply"
    assert key_in_job(shell, folder, recipe, f"alpine {digest}") == ("", said)
    assert key_in_job(shell, folder, NoKey(reason="why not")) == ("", "sledge: image app: no content key: why not")
