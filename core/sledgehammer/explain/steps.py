"""The steps that BuildKit builds for a target, each with the parts of its cache key.

Rules (moby/buildkit 0.13, solver/llbsolver/ops and frontend/dockerfile/dockerfile2llb): a step's key holds its
parent's; RUN's holds command, environment (every ARG in scope), folder and mounts; COPY's holds destination, flags
and the content of what it copies, so an upstream step that made the same bytes again is no change: for that content
stands what it hangs on. Of a `COPY --link` BuildKit tells not the copy but its merge onto what lies below, which has
its parent in its key as any copy has; it costs nothing.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer.context.listing import ContextFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a key: `kind` is "instruction", "ARG", "ENV", "order", "setting", "base" or "platform"."""

    kind: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What a COPY or a mount takes from another stage: the step that decides its content, and the path there."""

    step: "Step | None"  # None: the stage's base image, or an image
    path: str
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One vertex `[stage index/total] KEYWORD …`. `files` are named below what the instruction copies; `variables`
    are for words only, unless they are parts."""

    stage: str
    index: int
    total: int
    keyword: str
    title: str
    line: int
    parts: tuple[Part, ...]
    files: tuple[ContextFile, ...] = ()
    parent: "Step | None" = None
    upstream: tuple[Upstream, ...] = ()
    destination: str = ""  # COPY, ADD, WORKDIR: what it writes below; "" may write anywhere
    variables: Mapping[str, str] = field(default_factory=dict)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _digest(self))

    @property
    def label(self) -> str:
        """As BuildKit's progress names it."""
        return f"[{self.stage} {self.index}/{self.total}]"


def _digest(step: Step) -> str:
    content: list[object] = [step.keyword, *((part.kind, part.name, part.value) for part in step.parts)]
    content += [(file.path, file.kind.value, file.digest, file.mode) for file in step.files]
    content += [(up.image, _outcome(up.step, up.path), up.path) for up in step.upstream]
    content.append(step.parent.key if step.parent else "")
    return hashlib.sha256(repr(content).encode("utf-8", "surrogateescape")).hexdigest()


def _outcome(step: Step | None, path: str) -> str:
    """What the bytes at a path hang on after a step, as far as can be told without running it.

    White space in a command makes no other bytes, nor does an ARG that the command does not name; a file's mode does
    where the file itself lies at the path.
    """
    if step is None:
        return ""
    parts = [(part.kind, part.name, " ".join(part.value.split())) for part in step.parts if _matters(part, step)]
    is_there = step.keyword != "RUN" and may_change(step, path)
    files = [(file.path, file.digest, (file.kind.value, file.mode) if is_there else "") for file in step.files]
    sources = [(up.image, _outcome(up.step, up.path), up.path) for up in step.upstream]
    content = (step.keyword, parts, files, sources, _outcome(step.parent, path))
    return hashlib.sha256(repr(content).encode("utf-8", "surrogateescape")).hexdigest()


def _matters(part: Part, step: Step) -> bool:
    if part.kind == "order":
        return False
    command = next(own.value for own in step.parts if own.kind == "instruction")
    return part.kind != "ARG" or re.search(rf"\b{re.escape(part.name)}\b", command) is not None


def may_change(step: Step, path: str) -> bool:
    """Whether a step can write at, below or above a path."""
    if step.keyword == "RUN" or step.destination == "":
        return True
    ours, theirs = step.destination.rstrip("/") + "/", path.rstrip("/") + "/"
    return ours.startswith(theirs) or theirs.startswith(ours)
