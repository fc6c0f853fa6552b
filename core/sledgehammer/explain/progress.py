"""What BuildKit's plain progress says of steps and of cache imports; also its excerpt in a build record."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_STEP = re.compile(r"#(\d+) \[(?:[^\] ]+ )*?([^\] ]+) +(\d+)/(\d+)\] ([A-Z]+)")
_IMPORT = re.compile(r"#(\d+) importing cache manifest from (\S+)")
_CACHED = re.compile(r"#(\d+) (?:CACHED$|FETCHED$|sha256:[0-9a-f]+ \d|extracting sha256:)")
_DONE = re.compile(r"#(\d+) DONE ([0-9.]+)s")
_ERROR = re.compile(r"#(\d+) ERROR:? ?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedStep:
    """One step as it went. A cached one says so, or only which of its layers it fetched."""

    stage: str
    index: int
    total: int
    keyword: str
    is_cached: bool
    seconds: float

    @property
    def label(self) -> str:
        """As BuildKit's progress names it."""
        return f"[{self.stage} {self.index}/{self.total}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheImport:
    """One cache that was asked for; `error` is "" when it was there."""

    ref: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All steps but FROM, and all imports, in the order in which they were first named."""

    steps: tuple[ObservedStep, ...]
    imports: tuple[CacheImport, ...]


@dataclass(slots=True)
class _Found:
    """What the lines say, by the number of the vertex."""

    steps: dict[str, tuple[str, int, int, str]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def parse_progress(lines: Iterable[str]) -> Progress:
    """Read the lines of `--progress plain`, whatever else stands between them."""
    found = _Found()
    for line in lines:
        _read(line, found)
    return Progress(
        steps=tuple(
            ObservedStep(
                stage=stage,
                index=index,
                total=total,
                keyword=keyword,
                is_cached=number in found.cached,
                seconds=found.seconds.get(number, 0.0),
            )
            for number, (stage, index, total, keyword) in found.steps.items()
        ),
        imports=tuple(CacheImport(ref=ref, error=found.errors.get(number, "")) for number, ref in found.refs.items()),
    )


def _read(line: str, found: _Found) -> None:
    if (step := _STEP.match(line)) is not None:
        number, stage, index, total, keyword = step.groups()
        if keyword != "FROM":
            found.steps.setdefault(number, (stage, int(index), int(total), keyword))
    elif (asked := _IMPORT.match(line)) is not None:
        found.refs.setdefault(asked[1], asked[2])
    elif (cached := _CACHED.match(line)) is not None:
        found.cached.add(cached[1])
    elif (done := _DONE.match(line)) is not None:
        found.seconds[done[1]] = float(done[2])  # a step that pauses is done more than once; the last counts all
    elif (error := _ERROR.match(line)) is not None:
        found.errors[error[1]] = error[2]
