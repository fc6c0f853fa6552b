"""What the last builds let expect of each strategy, and when `auto` goes by it."""

import hashlib
from pathlib import Path

import pytest

from sledgehammer.destination import Destination, Repository
from sledgehammer.dockerfile import parse_dockerfile
from sledgehammer.expect import History, Link, expected_seconds, history_of
from sledgehammer.explain import BuildRecord, parse_record
from sledgehammer.facts import facts_of_version
from sledgehammer.operations import WaitForEngine
from sledgehammer.plan import plan_build
from sledgehammer.project import CacheSettings, Image, Project

DOCKERFILE = """FROM debian:trixie-slim AS build
COPY lock ./
RUN fetch
COPY src src
RUN compile
FROM debian:trixie-slim
COPY --from=build /a /a
"""
STEPS = {
    "[build 2/5] COPY": 0.1,
    "[build 3/5] RUN": 90.0,
    "[build 4/5] COPY": 0.1,
    "[build 5/5] RUN": 9.0,
    "[stage-1 2/2] COPY": 0.8,
}


def record(*, lock: str = "1", src: str = "1", cached: int = 0, fetched_s: float = 0.0) -> BuildRecord:
    """A build of which the first steps were cached, each after so many seconds."""
    lines = []
    for number, (step, seconds) in enumerate(STEPS.items(), start=4):
        lines += [f"#{number} {step}"]
        lines += [f"#{number} CACHED"] if number < 4 + cached else []
        lines += [f"#{number} DONE {fetched_s if number < 4 + cached else seconds}s"]
    files = {"lock": lock, "src/a": src}
    listed = [f"regular 644 {hashlib.sha256(content.encode()).hexdigest()} {path}\n" for path, content in files.items()]
    build = "format 1\nimage app\ndockerfile Dockerfile\nplatform linux/amd64\nbase debian:trixie-slim sha256:aa\n"
    folder = {"build": build, "Dockerfile": DOCKERFILE, "files": "".join(listed), "progress": "\n".join(lines)}
    return parse_record({name: text.encode() for name, text in folder.items()})


def usual() -> History:
    """Three source changes and one build of what was there, all after one cold build."""
    found = history_of(
        [
            record(src="4", cached=2, fetched_s=2.0),
            record(src="3", cached=2, fetched_s=2.0),
            record(src="3", cached=5),
            record(src="2", cached=2, fetched_s=2.0),
            record(src="1"),
        ]
    )
    assert found is not None
    return found


def test_a_history_knows_how_often_steps_change_and_what_they_take() -> None:
    """The step below the lock file never changed; what follows the source did in two of four builds."""
    history = usual()
    by_label = {step.label: step for step in history.steps}

    assert history.builds == 4
    assert history.unchanged_share == 0.25
    assert by_label["[build 3/5]"].change_share == 0
    assert by_label["[build 3/5]"].run_s == 90
    assert by_label["[build 5/5]"].change_share == 0.75
    assert by_label["[build 5/5]"].run_s == 9
    assert [label for label, step in by_label.items() if step.is_final] == ["[stage-1 2/2]"]


def test_one_build_is_no_history() -> None:
    """Nothing can be compared, neither with none."""
    assert history_of([]) is None
    assert history_of([record()]) is None


def test_a_cache_that_saves_the_long_step_is_expected_to_be_quickest() -> None:
    """All that is kept travels both ways with a cache in files; the image alone keeps nothing of another stage."""
    found = expected_seconds(
        usual(),
        link=Link(bytes_per_s=50e6),
        cache_bytes=500_000_000,
        strategies=("none", "inline", "file", "registry"),
        needs_builder=("inline",),
    )

    assert [one.strategy for one in found] == ["registry", "file", "inline", "none"]
    seconds = {one.strategy: one.seconds for one in found}
    assert seconds["none"] == pytest.approx(100, abs=0.1)
    assert seconds["registry"] < 12
    assert seconds["file"] == pytest.approx(seconds["registry"] + 20, abs=2)
    assert "a builder's start 5.0" in {one.strategy: one.made_of for one in found}["inline"]


def test_what_was_cached_each_time_is_not_taken_for_free() -> None:
    """The long step has not run in any of these builds: what a build without its cache takes is not known."""
    history = history_of([record(src=str(number), cached=2, fetched_s=2.0) for number in range(6)])
    assert history is not None

    found = expected_seconds(
        history, link=Link(bytes_per_s=50e6), cache_bytes=500_000_000, strategies=("none", "inline", "file", "registry")
    )

    assert [one.strategy for one in found] == ["registry", "file"]
    assert found[0].seconds < 25


def test_a_slow_registry_makes_a_cache_dearer_than_building() -> None:
    """Steps that are done at once gain nothing by half a gigabyte that has to be written."""
    found = expected_seconds(
        usual(), link=Link(bytes_per_s=100_000), cache_bytes=500_000_000, strategies=("registry", "none")
    )

    assert [one.strategy for one in found] == ["none", "registry"]


@pytest.mark.parametrize(
    ("expected", "taken"),
    [
        ({}, "registry"),
        ({"registry": 10.0, "none": 100.0}, "registry"),
        ({"registry": 10.0, "none": 8.5}, "registry"),
        ({"registry": 10.0, "none": 7.0}, "none"),
        ({"none": 1.0}, "registry"),
        ({"registry": 10.0, "s3": 1.0, "none": 9.5}, "registry"),
    ],
)
def test_auto_leaves_the_choice_by_facts_only_for_much_less(expected: dict[str, float], taken: str) -> None:
    """A little less is none, neither is a strategy that cannot hit here or one that cannot be compared."""
    project = Project(name="p", images=(Image(name="web"),), root=Path(), cache=CacheSettings())
    destination = Destination(
        repositories={"web": Repository(image=("r/web",), cache=("r/cache",))},
        engine=WaitForEngine(),
        login=None,
        commit=("c",),
        branch=("main",),
        default_branch=("main",),
    )
    plan = plan_build(
        project,
        graphs={"web": parse_dockerfile(DOCKERFILE)},
        facts=facts_of_version("26.1"),
        destination=destination,
        expectations={"web": expected},
    )

    assert plan.reasons[0].startswith(f"image web: cache strategy {taken}, ")
