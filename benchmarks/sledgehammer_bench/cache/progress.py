"""What a log tells of its builds: BuildKit's plain progress and the classic builder's steps. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"#(\d+) (.+)")
_DONE = re.compile(r"DONE ([\d.]+)s")
_PART = re.compile(r"(.+?) ([\d.]+)s done")
_BLOB = re.compile(r"sha256:([0-9a-f]{64}) .*?([\d.]+)s(?: done)?$")
_STEP = re.compile(r"\[(?:(?:\S+ )*?(\S+) )?(\d+)/\d+\] (.+)")
_CLASSIC_STEP = re.compile(r"Step (\d+)/\d+ : (.+)")
_CLASSIC_HIT = " ---> Using cache"
_NEW_BUILD = "building with "
_FIRST_VERTEX = "[internal] load build definition"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepName:
    """A Dockerfile's step as BuildKit names it: `[build 4/6] COPY server.js ./`."""

    stage: str
    index: int
    instruction: str


@dataclass(slots=True, kw_only=True)
class Vertex:
    """One vertex of one build. `parts` are its finished sub-steps with their seconds; `downloads` and `extractions`
    go by blob. A cached step says so, or only which blobs it fetches: the lines of one that runs are its output."""

    build: int
    name: str
    seconds: float = 0.0
    is_cached: bool = False
    is_done: bool = False
    parts: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, float] = field(default_factory=dict)
    extractions: dict[str, float] = field(default_factory=dict)

    @property
    def step(self) -> StepName | None:
        """None for what is no step that could be cached: a base image is pulled, not built."""
        match = _STEP.fullmatch(self.name)
        if match is None or match[3].startswith("FROM "):
            return None
        return StepName(stage=match[1] or "", index=int(match[2]), instruction=match[3])

    @property
    def pull_s(self) -> float:
        """Blobs come side by side and are unpacked one after the other."""
        return max(self.downloads.values(), default=0.0) + sum(self.extractions.values())


def read_vertices(output: str) -> tuple[Vertex, ...]:
    """All vertices of all builds in a log, build by build."""
    found: dict[tuple[int, int], Vertex] = {}
    build = 0
    for number, words in _lines(output):
        first = found.get((build, 1))
        if words.startswith(_NEW_BUILD) or (words.startswith(_FIRST_VERTEX) and first is not None and first.is_done):
            build += 1
        if number == 0:
            continue
        vertex = found.get((build, number))
        if vertex is None:
            found[build, number] = Vertex(build=build, name=words)
        elif words != vertex.name:
            _add(vertex, words)
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicStep:
    """A step of the classic builder, which tells no seconds."""

    index: int
    instruction: str
    is_cached: bool


def read_classic_steps(output: str) -> tuple[ClassicStep, ...]:
    """Steps without FROM, of all builds in a log."""
    steps: list[ClassicStep] = []
    current: re.Match[str] | None = None
    hit = False
    for line in [*output.splitlines(), "Step 0/0 : end"]:
        step = _CLASSIC_STEP.fullmatch(line.rstrip())
        if step is None:
            hit = hit or line.startswith(_CLASSIC_HIT)
            continue
        if current is not None and not current[2].startswith("FROM "):
            steps.append(ClassicStep(index=int(current[1]), instruction=current[2], is_cached=hit))
        current, hit = step, False
    return tuple(steps)


def _lines(output: str) -> Iterator[tuple[int, str]]:
    for line in output.splitlines():
        match = _LINE.fullmatch(line.rstrip())
        if match is not None:
            yield int(match[1]), match[2]


def _add(vertex: Vertex, words: str) -> None:
    if words == "CACHED":
        vertex.is_cached = vertex.is_done = True
    elif (done := _DONE.fullmatch(words)) is not None:
        vertex.seconds, vertex.is_done = max(vertex.seconds, float(done[1])), True
    elif words.startswith(("sha256:", "extracting sha256:")):
        vertex.is_cached = True
        _add_blob(vertex, words)
    elif (part := _PART.fullmatch(words)) is not None:
        vertex.parts[part[1]] = float(part[2])


def _add_blob(vertex: Vertex, words: str) -> None:
    match = _BLOB.search(words)
    if match is not None:
        seconds = vertex.extractions if words.startswith("extracting") else vertex.downloads
        seconds[match[1]] = float(match[2])
