"""Where the seconds of a run went, and which of its steps were cached. Pure."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sledgehammer_bench.cache.progress import StepName, Vertex, read_classic_steps, read_vertices

_TIMED = re.compile(r"^bench: (pull|build|push) ([\d.]+) s$", re.MULTILINE)
_PULLED = re.compile(r"^Status: Downloaded newer image", re.MULTILINE)
_PUSHING = ("pushing layers", "pushing manifest")
_UNPACKING = "unpacking to "  # layers that stayed packed as long as no step needed them
_EVERYTHING = (".", "./", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Seconds by cause; work side by side counts twice, so they need not add up to the wall time. `changed_s` are steps
    that the change reached, `missed_s` others that ran all the same. `build_s`: a classic build, which tells no
    more. `builds` and `pulls` count builds started, and images or blobs fetched."""

    cached: int = 0
    total: int = 0
    builds: int = 0
    pulls: int = 0
    lookup_s: float = 0.0
    pull_s: float = 0.0
    changed_s: float = 0.0
    missed_s: float = 0.0
    build_s: float = 0.0
    export_s: float = 0.0
    push_s: float = 0.0
    cache_export_s: float = 0.0

    @property
    def known_s(self) -> float:
        """All that is accounted for."""
        steps = self.changed_s + self.missed_s + self.build_s
        return self.lookup_s + self.pull_s + steps + self.export_s + self.push_s + self.cache_export_s


def read_breakdown(output: str, *, changed: Sequence[str] | None) -> Breakdown:
    """From a job's log. `changed` are the files edited since the last build; None: everything is new."""
    vertices = read_vertices(output)
    steps = [(vertex, step) for vertex in vertices if (step := vertex.step) is not None]
    reached = _reached([step for _, step in steps], changed)
    ran = [(vertex, step) for vertex, step in steps if not vertex.is_cached]
    cached, total = _count(output, steps)
    timed = _timed(output)
    exports = _seconds(vertices, "exporting to ")
    pushes, unpacking = _part_seconds(vertices, *_PUSHING), _part_seconds(vertices, _UNPACKING)
    classic = {step.index for step in read_classic_steps(output)}
    return Breakdown(
        cached=cached,
        total=total,
        builds=len({vertex.build for vertex in vertices}) + len(re.findall(r"^Step 1/", output, re.MULTILINE)),
        pulls=len(_PULLED.findall(output)) + sum(len(vertex.downloads) for vertex in vertices),
        lookup_s=_seconds(vertices, "[internal] load metadata", "importing cache", "[auth]"),
        pull_s=sum(vertex.pull_s for vertex in vertices) + unpacking + timed["pull"],
        changed_s=sum(vertex.seconds for vertex, step in ran if step in reached),
        missed_s=sum(vertex.seconds for vertex, step in ran if step not in reached),
        build_s=timed["build"] if classic else 0.0,
        export_s=max(0.0, exports - pushes - unpacking),
        push_s=pushes + _seconds(vertices, "pushing ") + timed["push"],
        cache_export_s=_seconds(vertices, "exporting cache"),
    )


def _count(output: str, steps: Iterable[tuple[Vertex, StepName]]) -> tuple[int, int]:
    """Cached and all steps. One that two builds share counts once, as the first of them met it."""
    hits: dict[object, bool] = {}
    for vertex, step in steps:
        hits.setdefault(step, vertex.is_cached)
    for classic in read_classic_steps(output):
        hits.setdefault((classic.index, classic.instruction), classic.is_cached)
    return sum(hits.values()), len(hits)


def _reached(steps: Sequence[StepName], changed: Sequence[str] | None) -> set[StepName]:
    """The steps that must run anew: the first of a stage that reads a changed file or a stage that holds such a step,
    and all behind it."""
    if changed is None:
        return set(steps)
    first: dict[str, int] = {}
    while True:
        found = dict(first)
        for step in steps:
            if _reads(step, changed, found):
                found[step.stage] = min(step.index, found.get(step.stage, step.index))
        if found == first:
            return {step for step in steps if step.index >= first.get(step.stage, step.index + 1)}
        first = found


def _reads(step: StepName, changed: Sequence[str], stages: Iterable[str]) -> bool:
    try:
        words = shlex.split(step.instruction)
    except ValueError:
        return False
    flags = [word for word in words[1:] if word.startswith("--")]
    sources = re.findall(r"\bfrom=([^,\s]+)", " ".join(flags))
    if sources:
        return any(stage in sources for stage in stages)
    if words[0] not in {"COPY", "ADD"}:
        return False
    paths = [word for word in words[1:] if not word.startswith("--")][:-1]
    return any(path in _EVERYTHING or _holds(path, file) for path in paths for file in changed)


def _holds(path: str, file: str) -> bool:
    clean = path.removeprefix("./").rstrip("/")
    return file == clean or file.startswith(f"{clean}/")


def _seconds(vertices: Iterable[Vertex], *names: str) -> float:
    return sum(vertex.seconds for vertex in vertices if vertex.name.startswith(names))


def _part_seconds(vertices: Iterable[Vertex], *names: str) -> float:
    return sum(seconds for one in vertices for part, seconds in one.parts.items() if part.startswith(names))


def _timed(output: str) -> dict[str, float]:
    sums = {"pull": 0.0, "build": 0.0, "push": 0.0}
    for what, seconds in _TIMED.findall(output):
        sums[what] += float(seconds)
    return sums
