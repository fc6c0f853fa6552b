"""From a Dockerfile's text to its stage graph."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sledgehammer.dockerfile.graph import GlobalArg, Stage, StageGraph
from sledgehammer.dockerfile.instruction import (
    ImageSource,
    Instruction,
    ScratchSource,
    Source,
    StageSource,
    arguments_of,
    source_names,
)
from sledgehammer.dockerfile.lines import located, read_directives, read_instructions
from sledgehammer.errors import ConfigurationError
from sledgehammer.platforms import DEFAULT_PLATFORM

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")


def parse_dockerfile(text: str, *, name: str = "Dockerfile", platform: str = DEFAULT_PLATFORM) -> StageGraph:
    """Read a Dockerfile as BuildKit does on a machine of that platform, without running anything; `name` is the file in
    errors.

    Raises ConfigurationError with file and line.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    try:
        directives = read_directives(lines)
    except ConfigurationError as error:
        raise located(error, name, 1) from error
    global_args: list[GlobalArg] = []
    drafts: list[_Draft] = []
    for instruction in read_instructions(lines, escape=directives.escape, name=name):
        try:
            _place(instruction, global_args, drafts)
        except ConfigurationError as error:
            raise located(error, name, instruction.line) from error
    if not drafts:
        raise ConfigurationError(f"{name}:1: there is no FROM", hint="a Dockerfile has at least one stage")
    return StageGraph(
        name=name,
        directives=directives,
        global_args=tuple(global_args),
        stages=_resolve(drafts, name),
        platform=platform,
    )


@dataclass(slots=True)
class _Draft:
    """A stage while its instructions are read."""

    name: str
    base: str
    platform: str
    line: int
    instructions: list[Instruction] = field(default_factory=list)


def _place(instruction: Instruction, global_args: list[GlobalArg], drafts: list[_Draft]) -> None:
    if instruction.keyword == "FROM":
        drafts.append(_read_from(instruction))
    elif drafts:
        drafts[-1].instructions.append(instruction)
    elif instruction.keyword == "ARG":
        pairs = arguments_of(instruction.text)
        global_args += [GlobalArg(name=name, default=value, line=instruction.line) for name, value in pairs]
    else:
        raise ConfigurationError(f"{instruction.keyword} before the first FROM; only ARG may stand there")


def _read_from(instruction: Instruction) -> _Draft:
    match instruction.text.split():
        case [base]:
            name = ""
        case [base, word, name] if word.upper() == "AS":
            if not _STAGE_NAME.fullmatch(name.lower()):
                raise ConfigurationError(
                    f'"{name}" is no name for a stage', hint="start with a letter, then letters, digits, - _ ."
                )
        case _:
            raise ConfigurationError(f"FROM {instruction.text} is not of the form FROM image [AS name]")
    platform = instruction.flag("platform") or ""
    return _Draft(name=name.lower(), base=base, platform=platform, line=instruction.line)


def _resolve(drafts: Sequence[_Draft], name: str) -> tuple[Stage, ...]:
    indexes = {draft.name: index for index, draft in enumerate(drafts) if draft.name}
    return tuple(
        Stage(
            index=index,
            name=draft.name,
            base=draft.base,
            platform=draft.platform,
            line=draft.line,
            instructions=tuple(
                _with_sources(instruction, indexes, len(drafts), name) for instruction in draft.instructions
            ),
        )
        for index, draft in enumerate(drafts)
    )


def _with_sources(instruction: Instruction, indexes: Mapping[str, int], count: int, name: str) -> Instruction:
    try:
        sources = tuple(_source(named, instruction, indexes, count) for named in source_names(instruction))
    except ConfigurationError as error:
        raise located(error, name, instruction.line) from error
    trigger = instruction.trigger and _with_sources(instruction.trigger, indexes, count, name)
    return replace(instruction, sources=sources, trigger=trigger)


def _source(named: str, instruction: Instruction, indexes: Mapping[str, int], count: int) -> Source:
    """A stage by name or, for COPY and ADD, by number; else an image. BuildKit takes a mount's number for an image."""
    if instruction.keyword != "RUN" and re.fullmatch(r"[+-]?\d+", named):
        if not 0 <= int(named) < count:
            raise ConfigurationError(f"--from={named}: there are only the stages 0 to {count - 1}")
        return StageSource(int(named))
    if named.lower() in indexes:
        return StageSource(indexes[named.lower()])
    return ScratchSource() if named == "scratch" else ImageSource(named)
