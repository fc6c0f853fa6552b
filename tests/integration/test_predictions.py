"""Predictions against what BuildKit really does: injected changes of all kinds, built before and after."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from buildkit_box import BuildKitBox
from injected_changes import NODE, RUST, Change

from sledgehammer.context import WorkTree
from sledgehammer.explain import predict
from sledgehammer.explain.progress import parse_progress
from sledgehammer.forecast import image_inputs
from sledgehammer.project import Image

pytestmark = pytest.mark.engine

MARK = "---- next case ----"

EXAMPLES = Path(__file__).parents[2] / "examples"
STAND_INS = {
    "node:20-slim": "base:1",
    "rust:1.85-slim": "base:1",
    "debian:trixie-slim": "base:1",
    "npm ci --omit=dev --no-audit --no-fund": "mkdir node_modules && cat package*.json .npmrc > node_modules/all",
    "cargo build --release --locked": "mkdir -p target/release && cat Cargo.* src/*.rs > target/release/rust-rocket",
}
"""What is slow or absent, by something quick that makes other bytes of other inputs and the same of the same."""


@dataclass(slots=True)
class Score:
    """Steps counted; a miss is what is looked for."""

    found: int = 0
    false: list[str] = field(default_factory=list)
    overlooked: list[str] = field(default_factory=list)
    hits: int = 0

    @property
    def precision(self) -> float:
        """Of the predicted misses, those that ran."""
        return self.found / (self.found + len(self.false))

    @property
    def recall(self) -> float:
        """Of the steps that ran, those that were predicted."""
        return self.found / (self.found + len(self.overlooked))


def standing_in(example: str, folder: Path) -> None:
    """A copy of an example, with quick commands on a small base."""
    shutil.copytree(EXAMPLES / example, folder)
    text = (folder / "Dockerfile").read_text()
    for slow, quick in STAND_INS.items():
        text = text.replace(slow, quick)
    (folder / "Dockerfile").write_text(text)


def build_all(box: BuildKitBox, cases: Path, changes: Sequence[Change]) -> list[Mapping[str, bool]]:
    """Build folder `before`, then each change's, in one call; whether each step came from the cache, by its label."""
    box.send(cases, "cases")
    script = ["set -e", "docker buildx build --output type=cacheonly /cases/before >/dev/null 2>&1"]
    for number, change in enumerate(changes):
        argument = f"--build-arg {change.arg}" if change.arg else ""
        script += [
            f"docker tag {change.base}-kept base:1",
            f"echo '{MARK}'",
            f"docker buildx build --output type=cacheonly --progress plain {argument} /cases/{number} 2>&1",
        ]
    said = box.shell("\n".join([*script, "docker tag base:1-kept base:1"]))
    logs = said.split(f"{MARK}\n")[1:]
    return [{step.label: step.is_cached for step in parse_progress(log.splitlines()).steps} for log in logs]


def judge(before: Path, after: Path, change: Change, observed: Mapping[str, bool], score: Score) -> None:
    """Count the steps of one change."""
    name, _, value = change.arg.partition("=")
    digest = {"base:1": f"sha256:{change.base}"}
    image = Image(name="x", args={name: value} if name else {})
    then = image_inputs(WorkTree(before), Image(name="x"), bases={"base:1": "sha256:base:1"}, has_modes=True)
    now = image_inputs(WorkTree(after), image, bases=digest, has_modes=True)
    predictions = predict(then, now)
    assert len(predictions) == len(observed), change.name
    for found in predictions:
        told = f"{change.name}: {found.step.label} {found.step.title} ({found.reason})"
        (is_cached,) = (observed[label] for label in found.labels if label in observed)
        if found.is_hit and is_cached:
            score.hits += 1
        elif found.is_hit:
            score.overlooked.append(told)
        elif is_cached:
            score.false.append(told)
        else:
            score.found += 1


def test_predicted_misses_are_the_steps_that_run(
    buildkit: BuildKitBox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Precision and recall over all changes of both examples are at least 0.95."""
    score = Score()
    for example, changes in {"node-web": NODE, "rust-rocket": RUST}.items():
        for number in (1, 2, 3):  # of each example's own, so that no step of one is in the cache for the other
            lines = f"FROM debian:trixie-slim\\nRUN echo {example} {number} > /number\\n"
            tags = f"-t base:{number} -t base:{number}-kept"
            buildkit.shell(f"printf '{lines}' | docker buildx build -q {tags} -")
        cases = tmp_path / example
        before = cases / "before"
        standing_in(example, before)
        for number, change in enumerate(changes):
            shutil.copytree(before, cases / str(number))
            change.edit(cases / str(number))
        for number, observed in enumerate(build_all(buildkit, cases, changes)):
            judge(before, cases / str(number), changes[number], observed, score)
    steps = score.hits + score.found + len(score.false) + len(score.overlooked)
    figures = f"{steps} steps: precision {score.precision:.3f}, recall {score.recall:.3f}"
    lists = ["predicted to run, cached:", *score.false, "ran unforeseen:", *score.overlooked, ""]
    with capsys.disabled():
        sys.stdout.write("\n".join([f"\n{len(NODE) + len(RUST)} changes, {figures}", *lists]))
    assert score.precision >= 0.95
    assert score.recall >= 0.95
