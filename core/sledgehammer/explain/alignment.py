"""Which step of an earlier build a step stands for, and what of its key differs."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sledgehammer.context.listing import ContextFile
from sledgehammer.explain.steps import Part, Step

NAMES_SHOWN = 3
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


class Cause(Enum):
    """What kind of thing made a step run."""

    FILE = "file"
    VARIABLE = "variable"
    BASE = "base image"
    INSTRUCTION = "instruction"
    SETTING = "setting"
    NEW = "new step"
    PARENT = "earlier step"
    NO_CACHE = "no cache"
    NOT_HELD = "not held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs, as a clause."""

    cause: Cause
    text: str


def counterparts(before: Sequence[Step], after: Sequence[Step]) -> Mapping[Step, Step]:
    """For each later step the earlier one that it stands for, stage by stage, along the order of instructions."""
    found = {}
    for stage in dict.fromkeys(step.stage for step in after):
        old = [step for step in before if step.stage == stage]
        new = [step for step in after if step.stage == stage]
        matcher = difflib.SequenceMatcher(a=[s.title for s in old], b=[s.title for s in new], autojunk=False)
        for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
            pairs = list(zip(new[new_start:new_end], old[old_start:old_end], strict=False))
            if tag in ("equal", "replace"):
                found.update({mine: theirs for mine, theirs in pairs if mine.keyword == theirs.keyword})
    return found


def differences(before: Step, after: Step) -> tuple[Difference, ...]:
    """What a step's own key parts differ in; its parent and the stages that it copies from are not looked at."""
    return (*_file_differences(before.files, after.files), *_part_differences(before, after))


def _file_differences(before: Sequence[ContextFile], after: Sequence[ContextFile]) -> Iterator[Difference]:
    old = {file.path: file for file in before}
    new = {file.path: file for file in after}
    content = [path for path, file in new.items() if path in old and file.digest != old[path].digest]
    mode = [
        path
        for path, file in new.items()
        if path in old and path not in content and (file.kind, file.mode) != (old[path].kind, old[path].mode)
    ]
    groups = {
        "content": content,
        "mode": [_mode_change(old[path], new[path]) for path in mode],
        "added": [path for path in new if path not in old],
        "removed": [path for path in old if path not in new],
    }
    for word, paths in groups.items():
        if paths:
            names = ", ".join(paths[:NAMES_SHOWN])
            more = f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else ""
            yield Difference(cause=Cause.FILE, text=f"{names}{more} ({word})")


def _mode_change(before: ContextFile, after: ContextFile) -> str:
    if before.mode and after.mode:
        return f"{after.path} {before.mode:o} → {after.mode:o}"
    return f"{after.path} {before.kind.value} → {after.kind.value}"


def _part_differences(before: Step, after: Step) -> Iterator[Difference]:
    old = {(part.kind, part.name): part for part in before.parts}
    new = {(part.kind, part.name): part for part in after.parts}
    variables = list(_variable_differences(old, new))
    yield from variables
    for place in dict.fromkeys([*old, *new]):
        kind, name = place
        if kind in ("ARG", "ENV") or old.get(place) == new.get(place):
            continue
        if kind == "order":
            if not variables:
                yield Difference(cause=Cause.VARIABLE, text="the order of ARG and ENV")
        elif kind == "base":
            yield from _base_difference(name, old.get(place), new.get(place))
        elif kind == "instruction":
            yield _text_difference(before, after)
        else:
            yield Difference(cause=Cause.SETTING, text=name or kind)


def _variable_differences(
    old: Mapping[tuple[str, str], Part], new: Mapping[tuple[str, str], Part]
) -> Iterator[Difference]:
    for kind, name in dict.fromkeys([*old, *new]):
        if kind in ("ARG", "ENV") and old.get((kind, name)) != new.get((kind, name)):
            has_both = (kind, name) in old and (kind, name) in new
            word = "value" if has_both else "added" if (kind, name) in new else "removed"
            yield Difference(cause=Cause.VARIABLE, text=f"{kind} {name} ({word})")


def _base_difference(name: str, old: Part | None, new: Part | None) -> Iterator[Difference]:
    if old is not None and new is not None:
        yield Difference(cause=Cause.BASE, text=f"the base image {name} ({old.value[:19]} → {new.value[:19]})")
    elif new is not None:
        yield Difference(cause=Cause.BASE, text=f"the base image, now {name}")


def _text_difference(before: Step, after: Step) -> Difference:
    names = [name for name in _VARIABLE.findall(after.title) if before.variables.get(name) != after.variables.get(name)]
    if before.title == after.title and names:
        return Difference(cause=Cause.VARIABLE, text=f"the variable {names[0]} (value)")
    if before.title == after.title and before.destination != after.destination:
        places = f"{before.destination} → {after.destination}"
        return Difference(cause=Cause.INSTRUCTION, text=f"where it writes to ({places})")
    return Difference(cause=Cause.INSTRUCTION, text="the instruction's text")
