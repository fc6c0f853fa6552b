"""Caches in the rendered script: what is written after the build, and when it is not."""

from pathlib import Path

import pytest
from recording_docker import Ran, RunScript, build, export, pushes, script_runner, sources

from sledgehammer.operations import CacheFolder, CacheWriter, EnvVar


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """In a folder of its own."""
    return script_runner(tmp_path)


def test_the_cache_is_exported_by_a_build_of_its_own(run_script: RunScript) -> None:
    """With the same inputs, which delivers nothing; the log says what was written."""
    cached = build(cache_from=(("type=registry,ref=c:main",),), exports=(export(),))

    ran = run_script(cached, REPO="r", SHA="s", A="c:main", P="true")

    first, second = [call for call in ran.calls if "build" in call]
    assert pushes(first)
    assert "--cache-to" not in first
    assert second[second.index("--cache-to") + 1] == "type=registry,ref=c:main,mode=max"
    assert second[second.index("--output") + 1] == "type=cacheonly"
    assert not {"--load", "--tag"} & set(second)
    assert sources(second) == sources(first)
    assert second[second.index("--target") + 1] == "package"
    assert "image web: cache written in" in ran.output


def test_the_cache_is_exported_beside_the_push(run_script: RunScript) -> None:
    """It begins when all steps are done; a push that takes long does not put it off."""
    ran = run_script(build(exports=(export(),)), REPO="r", SHA="s", A="c:main", P="true", FAKE_PUSH="until exported")

    assert ran.exit_code == 0
    assert ran.output.index("pushed r@") < ran.output.index("image web: cache written in")


def test_an_image_that_cannot_be_pushed_leaves_its_cache(run_script: RunScript) -> None:
    """The job fails, and finds its steps when it runs again."""
    ran = run_script(build(exports=(export(),)), REPO="r", SHA="s", A="c:main", P="true", FAKE_PUSH="fails")

    assert ran.exit_code == 1
    assert "image web: cache written in" in ran.output


def test_a_build_that_fails_writes_no_cache(run_script: RunScript) -> None:
    """Nor does it wait for one."""
    ran = run_script(build(exports=(export(),)), REPO="r", SHA="s", A="c:main", P="true", FAKE_EXIT="1")

    assert ran.exit_code == 1
    assert not [call for call in ran.calls if "--cache-to" in call]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"A": "c:main", "P": "false"}, "this branch is not protected"),
        ({"A": "c:topic", "P": "false", "FAKE_STEPS": "#7 [build 3/3] RUN make\n#7 CACHED"}, "every step was cached"),
        ({"A": "c:topic", "P": "false", "FAKE_EXPORT": "1"}, "the build goes on: this job's user has no right"),
    ],
)
def test_a_cache_that_is_not_written_fails_no_build(
    run_script: RunScript, variables: dict[str, str], said: str
) -> None:
    """Unprotected branches keep off the shared ref, nothing new is not written again, a registry may refuse."""
    ran = run_script(build(exports=(export(),)), REPO="r", SHA="s", **variables)

    assert said in ran.output
    assert ran.exit_code == 0


CONTEXT = "#4 transferring context: 26.50kB 0.1s done"
LINKED = "#6 [linux/amd64 package 4/4] COPY --chown=1:1 --link a [b] ./\n#6 DONE 0.0s"


def copying(run_script: RunScript, steps: list[str], **variables: str) -> Ran:
    """A build whose progress has these steps."""
    return run_script(
        build(exports=(export(),)), REPO="r", SHA="s", A="c:topic", P="false", FAKE_STEPS="\n".join(steps), **variables
    )


@pytest.mark.parametrize(
    ("steps", "is_written"),
    [
        ([CONTEXT, LINKED], False),
        ([CONTEXT, "#7 [build 2/2] RUN x", LINKED, "#7 CACHED"], False),
        ([CONTEXT, "#7 [build 2/2] RUN x", LINKED, "#7 DONE 0.0s"], True),
        ([CONTEXT, "#7 [package 3/4] COPY a b", LINKED], True),
        ([CONTEXT, "#7 [package 3/4] COPY --link --from=build a b", LINKED], True),
        ([CONTEXT, "#7 [package 3/4] ADD --link https://a.example/b c", LINKED], True),
        ([CONTEXT.replace("kB", "MB"), LINKED], True),
        ([LINKED], True),
    ],
)
def test_small_copies_alone_are_no_reason_to_write_a_cache(
    run_script: RunScript, steps: list[str], is_written: bool
) -> None:
    """Writing takes longer than to copy again; whatever takes time, needs what lies below it, or is large, is kept."""
    ran = copying(run_script, steps, sledge_key_reference="r/web:key-1")

    assert ran.exit_code == 0
    assert ("not written: all that ran copies less than 1 MB" in ran.output) is not is_written
    assert (len([call for call in ran.calls if "--cache-to" in call]) == 1) is is_written


@pytest.mark.parametrize("variables", [{}, {"sledge_key_reference": "r/web:key-1", "SLEDGE_NO_SKIP": "true"}])
def test_copies_are_kept_of_an_image_that_is_not_found_by_its_content(
    run_script: RunScript, variables: dict[str, str]
) -> None:
    """Built again with nothing changed, it has the same digest."""
    assert "not written" not in copying(run_script, [CONTEXT, LINKED], **variables).output


def test_a_fork_writes_no_cache(run_script: RunScript) -> None:
    """Its own ref neither: the log says that it only reads."""
    writer = CacheWriter(ref=("a",), shared=("b",), is_protected=("true",), here=(EnvVar("HERE"),), home=("home",))
    forked = build(exports=(export(writer=writer),))

    ran = run_script(forked, REPO="r", SHA="s", A="a", HERE="fork")

    assert "fork is a fork of home and only reads its cache" in ran.output
    assert len([call for call in ran.calls if "build" in call]) == 1


def test_an_export_is_cut_off_at_its_limit(run_script: RunScript) -> None:
    """A registry that hangs costs the build no more than that."""
    ran = run_script(build(exports=(export(timeout_s=1),)), REPO="r", SHA="s", A="a", P="true", FAKE_HANG="1")

    assert "cut off after 1 s" in ran.output
    assert ran.exit_code == 0


def test_a_cache_in_a_folder_is_replaced_whole(run_script: RunScript) -> None:
    """The folder comes from the project's folder, lies beside it while images are built, and goes back at the end."""
    folder = CacheFolder(path=".kept", key=("k",), fallback=("f",))
    place = (EnvVar("sledge_cache"), "/web")
    cached = build(
        cache_from=(("type=local,src=", *place),),
        exports=(export(attributes=("type=local,dest=", *place, ".new"), folder=place, writer=None),),
    )
    project = run_script.folder
    first = run_script(folder, cached, REPO="r", SHA="s")
    assert sources(first.calls[-1]) == []
    assert (project / ".kept/web/index.json").exists()

    second = run_script(folder, cached, REPO="r", SHA="s")
    assert sources(second.calls[-1]) == [f"type=local,src={project}..kept/web"]
    assert [path.name for path in project.glob("**/index.json")] == ["index.json"]
