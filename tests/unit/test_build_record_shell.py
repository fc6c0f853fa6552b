"""The record that POSIX sh writes in a job is what `parse_record` reads, and holds no secret."""

import subprocess
from pathlib import Path

import pytest
from written_records import written

from sledgehammer.context import KeyRecipe, NoKey, WorkTree, key_recipe
from sledgehammer.explain.record import FILES
from sledgehammer.operations import EnvVar
from sledgehammer.shell.build_record import build_record_functions, render_write_record
from sledgehammer.shell.content_key import content_key_functions, render_content_key

DIGEST = "sha256:" + "a" * 64
PROGRESS = f"""#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
#2 importing cache manifest from registry.example/app/cache:main
#2 ERROR: failed to configure registry cache importer: https://store.example/x?signature=s3cret: 401 Unauthorized
#3 [linux/amd64 build  1/10] FROM docker.io/library/alpine@{DIGEST}
#3 sha256:{"b" * 64} 1MB / 1MB 0.1s done
#4 [linux/amd64 build  2/10] RUN echo s3cret
#4 0.502 s3cret
#4 0.503 #4 CACHED
#4 0.6 [a 1/2] RUN s3cret
#4 DONE 12.5s
#5 [build  3/10] COPY a /a
#5 CACHED
#6 [stage-1 1/1] COPY --from=build /a /s3cret
#6 sha256:{"c" * 64} 1MB / 1MB 0.1s done
#6 extracting sha256:{"c" * 64} s3cret
#6 DONE 0.4s
#7 [build  4/10] RUN false s3cret
#7 ERROR: process "/bin/sh -c false s3cret" did not complete successfully: exit code: 1
------
 > [build 4/10] RUN false s3cret:
#8 s3cret
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Awkward names and modes, a link."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM alpine AS build\nARG TOKEN\nCOPY src /src\nCOPY a /a\n")
    (folder / ".dockerignore").write_text(".git\n")
    for name, mode in (("a", 0o644), ("src/x y", 0o666), ("src/back\\slash", 0o755), ("src/ünï 'q\"", 0o600)):
        (folder / name).write_text(name)
        (folder / name).chmod(mode)
    (folder / "src" / "link").symlink_to("x y")
    return folder


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_the_record_of_a_job(shell: str, project: Path) -> None:
    """Commit, the job's platform, which is not the planned one, base, hashed arguments, texts, files with their modes,
    and what became of steps and caches."""
    recipe = key_recipe(WorkTree(project), args={"TOKEN": "s3cret"})
    assert isinstance(recipe, KeyRecipe)

    record, files = written(shell, project, recipe, progress=PROGRESS, bases=f"alpine {DIGEST}", machine="aarch64")

    assert files.keys() == set(FILES)
    assert b"s3cret" not in b"".join(files.values())
    assert (record.image, record.commit, record.target) == ("app", "c" * 40, "build")
    assert record.platform == "linux/arm64"
    assert record.bases == {"alpine": DIGEST}
    assert (record.dockerfile, record.ignore) == ((project / "Dockerfile").read_text(), ".git\n")
    assert record.files is not None
    assert {file.path: file.mode for file in record.files} == {
        "a": 0o644,
        "src/x y": 0o666,
        "src/back\\slash": 0o755,
        "src/ünï 'q\"": 0o600,
        "src/link": 0o777,
    }
    listed = {file.path: file.digest for file in WorkTree(project).files(".")}
    assert all(listed[file.path] == file.digest for file in record.files)
    assert [(step.label, step.keyword, step.is_cached, step.seconds) for step in record.progress.steps] == [
        ("[build 2/10]", "RUN", False, 12.5),
        ("[build 3/10]", "COPY", True, 0.0),
        ("[stage-1 1/1]", "COPY", True, 0.4),
        ("[build 4/10]", "RUN", False, 0.0),
    ]
    (asked,) = record.progress.imports
    assert asked.ref == "registry.example/app/cache:main"
    assert asked.error.endswith("401 Unauthorized")


def test_a_build_without_a_key_is_recorded_too(project: Path) -> None:
    """Its files are listed all the same; where even the ignore file cannot be read nothing is written."""
    (project / "Dockerfile").write_text("FROM alpine AS build\nCOPY . /src\nADD https://example.com/x /x\n")
    recipe = key_recipe(WorkTree(project))
    assert isinstance(recipe, NoKey)

    record, _ = written("dash", project, recipe, progress=PROGRESS, bases=f"alpine {DIGEST}")

    assert record.files is not None
    assert len(record.files) == 7
    call = render_write_record(NoKey(reason="x"), image="app", commit=("c",), folder="f", progress="p")
    assert call == ":"


def test_the_functions_are_clean_by_shellcheck(project: Path) -> None:
    """Key and record together, with the calls that a script makes of them."""
    recipe = key_recipe(WorkTree(project), args={"TOKEN": "it's $HOME"})
    calls = [
        render_content_key(recipe, image="app", bases="bases"),
        render_write_record(recipe, image="app", commit=(EnvVar("C"),), folder="f", progress="p", bases="bases"),
    ]
    head = "# shellcheck disable=SC2016,SC2154,SC2034\nsledge_say() { printf 'sledge: %s\\n' \"$*\"; }\n"
    script = "\n".join([head, content_key_functions(), build_record_functions(), *calls, ""])

    done = subprocess.run(["shellcheck", "-s", "sh", "-"], input=script.encode(), capture_output=True, check=False)

    assert (done.returncode, done.stdout.decode()) == (0, "")
