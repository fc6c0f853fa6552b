"""What the script says when a registry refuses something, and what it does about it."""

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from told_docker import REUSE, WRITER, build, run

from sledgehammer.operations import BuildTool, CacheExport

WHAT = "registry cache"
BLOB = "https://r/v2/c/blobs/sha256:ab"
FETCH = f"ERROR: failed to solve: failed to copy: httpReadSeeker: failed open: {BLOB}: 500 X"
PUT = "error writing manifest blob: failed commit on ref: unexpected status from PUT request to http://r/manifests/main"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (f"{PUT}: 400 BAD REQUEST", "tags there cannot be moved, or it takes no cache of this form: sledge preflight"),
        (f"{PUT}: 405: tag main is immutable", "give the cache one whose tags can"),
        ("r/c: unexpected status from POST request to http://r: 403 Forbidden", "no right to that repository"),
        ("push access denied, insufficient_scope: authorization failed", "no right to that repository"),
        ("unexpected status from POST request to http://r/c/blobs: 404 Not Found", "sledge apply makes it"),
        ("unexpected status from PUT request to http://r: 503 Service Unavailable", "does not answer as it should"),
        ('failed to do request: Head "https://r/c": EOF', "does not answer as it should"),
        ("dial tcp 10.0.0.1:443: connect: connection refused", "does not answer as it should"),
        ("unexpected status from POST request to http://r: 429 Too Many Requests", "asked less often"),
        ("unexpected status from PATCH request to http://r: 413 Request Entity Too Large", "no layer of that size"),
    ],
)
def test_a_cache_that_a_registry_refuses_is_explained_and_fails_nothing(
    tmp_path: Path, answer: str, meaning: str
) -> None:
    """The image is delivered; the log has what the answer means, then the answer."""
    code, output, _ = run(tmp_path, build(), FAILS="--cache-to", SAYS=f"ERROR: failed to solve: {answer}")

    assert code == 0
    (line,) = [line for line in output.splitlines() if "registry cache not written" in line]
    assert line.startswith("sledge: image web: registry cache not written, the build goes on: ")
    assert meaning in line
    assert line.endswith(f": {answer}")


def test_an_answer_without_a_known_meaning_is_told_as_it_is(tmp_path: Path) -> None:
    """No guess."""
    _, output, _ = run(tmp_path, build(), FAILS="--cache-to", SAYS="ERROR: failed to solve: the moon is full")

    assert "registry cache not written, the build goes on: the moon is full\n" in output


@pytest.mark.parametrize("tool", [BuildTool.BUILDX, BuildTool.CLASSIC])
def test_a_push_that_fails_says_what_to_do(tmp_path: Path, tool: BuildTool) -> None:
    """The image was built: nobody need look for an error in the Dockerfile."""
    says = "ERROR: failed to solve: failed to push r/web:1: unexpected status from POST request to http://r: 502 Bad"

    code, output, builds = run(tmp_path, build(tool=tool, exports=(), cache_from=()), FAILS="--output", SAYS=says)

    assert code == 1
    (line,) = [line for line in output.splitlines() if line.startswith("sledge: image web: built, but")]
    assert "pushed; mend this and run the job again: the registry does not answer as it should: failed to push" in line
    assert len(builds) == 1


@pytest.mark.parametrize("says", [FETCH, FETCH.replace("failed to copy", "failed to push r/web:1: failed to copy")])
def test_a_layer_of_the_cache_that_cannot_be_fetched_is_built_instead(tmp_path: Path, says: str) -> None:
    """BuildKit itself fails then, in a step or while it pushes what it left remote: the second build reads no cache,
    and is otherwise the same."""
    code, output, builds = run(tmp_path, build(), FAILS="with a cache", SAYS=says)

    assert code == 0
    first, second = [call for call in builds if "--cache-to" not in call]
    assert "image web: a layer could not be fetched, so it is built once more, without any cache: the" in output
    at = first.index("--cache-from")
    assert second == first[:at] + first[at + 2 :]
    assert "WORD=--cache-from" in second


@pytest.mark.parametrize(
    "says", ['ERROR: process "/bin/sh -c make" did not complete: exit code: 2', 'ERROR: "/source": not found']
)
def test_a_step_that_fails_is_not_tried_again(tmp_path: Path, says: str) -> None:
    """Without the cache it would fail as well, only later."""
    code, output, builds = run(tmp_path, build(), FAILS="always", SAYS=says)

    assert code == 1
    assert len(builds) == 1
    assert "the build failed with exit code 1" in output


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("r/c:main: not found", ""),
        ("unexpected status from HEAD request: 500 X", "goes on without it: the registry does not answer as it should"),
        ("blob sha256:ab is too large (1200000 > 1048576)", "goes on without it: BuildKit reads no cache whose"),
    ],
)
def test_a_cache_that_cannot_be_read_is_told(tmp_path: Path, error: str, said: str) -> None:
    """One that is not there yet is the usual case of a first build."""
    code, output, _ = run(tmp_path, build(), IMPORT=f"#3 ERROR: {error}")

    assert code == 0
    assert ("cache r/c:main not read" in output) == bool(said)
    assert said in output


@pytest.mark.parametrize("form", ['{\n "config": {%s}, "layers": []}', '{"manifests":[{"size":9},{%s}]}'])
def test_a_cache_that_no_build_will_be_able_to_read_is_told_at_once(tmp_path: Path, form: str) -> None:
    """With how large it is and what makes it smaller; few builds are large enough to be looked at."""
    config = '"mediaType": "application/vnd.buildkit.cacheconfig.v0",\n "digest": "sha256:ab", "size": 1048577'

    code, output, _ = run(tmp_path, build(reuse=REUSE), MORE="200", MANIFEST=form % config)

    assert code == 0
    (line,) = [line for line in output.splitlines() if "will not be read" in line]
    assert "registry cache will not be read, it has a description of 1048577 bytes" in line
    assert "cache: {mode: min} or fewer steps" in line
    _, output, _ = run(tmp_path, build(reuse=REUSE), MANIFEST=form % config)
    assert "will not be read" not in output


@pytest.mark.parametrize(
    "form",
    [
        CacheExport(what=WHAT, timeout_s=60, writer=WRITER, attributes=("type=registry,ref=", "r/c:main")),
        CacheExport(what=WHAT, timeout_s=60, writer=WRITER, image=("r/c:main",), attributes=(",mode=max",)),
    ],
)
def test_the_last_of_two_writers_says_what_it_takes_away(tmp_path: Path, form: CacheExport) -> None:
    """The ref had another digest when the build began; a stage's cache is one like any other."""
    cached = build(reuse=REUSE, exports=(form,))
    _, alone, _ = run(tmp_path, cached)
    code, after, _ = run(tmp_path, cached, WRITTEN_MEANWHILE="1")

    assert "another build has written it meanwhile" not in alone
    assert "image web: registry cache: another build has written it meanwhile" in after
    assert "registry cache written in" in after
    assert code == 0


def test_the_functions_are_clean_by_shellcheck() -> None:
    """As POSIX sh, each with what it uses of the others."""
    names = ("prelude", "trouble", "export", "buildx", "platform", "reuse", "content_key", "cache_ref", "docker_build")
    parts = (files("sledgehammer.shell").joinpath(f"{name}.sh").read_text() for name in names)
    script = '#!/bin/sh\n# shellcheck disable=SC2329\n: "${sledge_buildkit?}"\n' + "\n".join(parts)

    done = subprocess.run(["shellcheck", "-"], input=script, capture_output=True, text=True, check=False)

    assert done.stdout == ""
