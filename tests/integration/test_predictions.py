"""Predictions and reasons against what BuildKit really does: injected changes of all kinds, built before and after."""

import hashlib
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from buildkit_box import BuildKitBox
from injected_changes import NODE, RUST, Change
from written_records import written

from sledgehammer.context import NoKey, WorkTree, key_recipe
from sledgehammer.explain import BuildRecord, StepReason, explain, predict
from sledgehammer.explain.alignment import Cause
from sledgehammer.explain.progress import parse_progress
from sledgehammer.explain.record import values_by_hash
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
    """Steps counted: of `predict` a miss is what is looked for, of `why` the change that a step ran for."""

    found: int = 0
    false: list[str] = field(default_factory=list)
    overlooked: list[str] = field(default_factory=list)
    hits: int = 0

    @property
    def precision(self) -> float:
        """Of the predicted misses those that ran; of the named changes the true ones."""
        return self.found / (self.found + len(self.false))

    @property
    def recall(self) -> float:
        """Of the steps that ran those that were predicted, or whose change was named."""
        return self.found / (self.found + len(self.overlooked))

    def __str__(self) -> str:
        steps = self.hits + self.found + len(self.false) + len(self.overlooked)
        return f"{steps} steps: precision {self.precision:.3f}, recall {self.recall:.3f}"


def standing_in(example: str, folder: Path) -> None:
    """A copy of an example, with quick commands on a small base."""
    shutil.copytree(EXAMPLES / example, folder)
    text = (folder / "Dockerfile").read_text()
    for slow, quick in STAND_INS.items():
        text = text.replace(slow, quick)
    (folder / "Dockerfile").write_text(text)


def build_all(box: BuildKitBox, cases: Path, changes: Sequence[Change]) -> list[str]:
    """Build folder `before`, then each change's, in one call; what BuildKit printed of each."""
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
    return said.split(f"{MARK}\n")[1:]


def arguments(change: Change) -> Mapping[str, str]:
    """Of its build."""
    name, _, value = change.arg.partition("=")
    return {name: value} if name else {}


def judge(before: Path, after: Path, change: Change, observed: Mapping[str, bool], score: Score) -> None:
    """Count the steps of one change, as `predict` has them."""
    digest = {"base:1": f"sha256:{change.base}"}
    image = Image(name="x", args=arguments(change))
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


def recorded(folder: Path, change: Change, log: str) -> BuildRecord:
    """What the job leaves of a build."""
    digest = hashlib.sha256(change.base.encode()).hexdigest()
    recipe = key_recipe(WorkTree(folder), args=arguments(change))
    assert not isinstance(recipe, NoKey), change.name
    bases = "\n".join(f"{reference} sha256:{digest}" for reference in recipe.base_images)
    return written("dash", folder, recipe, progress=log, bases=bases)[0]


def judge_reasons(before: BuildRecord, now: BuildRecord, change: Change, score: Score) -> None:
    """Count the steps that ran: whether the change is what `why` names, for itself or as the step that it follows."""
    reasons = {reason.step.label: reason for reason in explain(before, now, known=values_by_hash(arguments(change)))}
    for step in now.progress.steps:
        if step.is_cached:
            score.hits += 1
            continue
        reason = reasons[step.label]
        told = _told(reasons.get(reason.root, reason))
        if change.told and re.search(change.told, told):
            score.found += 1
            continue
        score.overlooked.append(f"{change.name}: {step.label} {told}")
        if reason.cause not in (Cause.NOT_HELD, Cause.NO_CACHE):
            score.false.append(f"{change.name}: {step.label} {told}")


def _told(reason: StepReason) -> str:
    return f"{reason.title} <- {reason.reason}"


def test_predicted_misses_are_the_steps_that_run(
    buildkit: BuildKitBox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Precision and recall over all changes of both examples are at least 0.95, of what `predict` says before a build
    and of the change that `why` names after it."""
    predicted, named = Score(), Score()
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
        earlier = recorded(before, Change(name="before"), "")
        for number, log in enumerate(build_all(buildkit, cases, changes)):
            change, after = changes[number], cases / str(number)
            observed = {step.label: step.is_cached for step in parse_progress(log.splitlines()).steps}
            judge(before, after, change, observed, predicted)
            judge_reasons(earlier, recorded(after, change, log), change, named)
    said = ["", f"{len(NODE) + len(RUST)} changes, predict: {predicted}"]
    said += ["predicted to run, cached:", *predicted.false, "ran unforeseen:", *predicted.overlooked]
    said += [f"why: {named}", "another change named:", *named.false, "change not named:", *named.overlooked, ""]
    with capsys.disabled():
        sys.stdout.write("\n".join(said))
    for score in (predicted, named):
        assert score.precision >= 0.95
        assert score.recall >= 0.95
