"""Which variables each instruction of a stage sees: ARG and ENV so far, as BuildKit carries them along."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sledgehammer.dockerfile.expand import expand
from sledgehammer.dockerfile.graph import NO_ARGS, Stage, StageGraph
from sledgehammer.dockerfile.instruction import ImageSource, Instruction, StageSource, arguments_of
from sledgehammer.dockerfile.lines import located
from sledgehammer.dockerfile.words import split_words, unquote
from sledgehammer.errors import ConfigurationError
from sledgehammer.platforms import platform_args

_NAMES = re.compile(r"\$(?:\{)?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedInstruction:
    """An instruction and the variables that it sees, in the order of their declaration; `arguments` are those that an
    ARG declared last.

    `is_image_open` says that a base image may bring variables of its own, which only its registry knows; `unsure` are
    those whose values are made of such.
    """

    instruction: Instruction
    variables: Mapping[str, str]
    arguments: frozenset[str]
    is_image_open: bool
    unsure: frozenset[str]
    escape: str

    def expanded(self, word: str) -> str:
        """A word with its variables replaced and its quotes gone."""
        return expand(word, self.variables, escape=self.escape)

    def knows(self, word: str) -> bool:
        """Whether every variable in a word has its value here: none can come from the base image."""
        known = self.variables.keys() - self.unsure
        return not self.is_image_open or all(name in known for name in _NAMES.findall(word))


def scoped_instructions(
    graph: StageGraph, stage: Stage, args: Mapping[str, str] = NO_ARGS
) -> tuple[ScopedInstruction, ...]:
    """The stage's own instructions, the ONBUILD triggers of the stage below it first."""
    return tuple(_walk(graph, stage, args, _Carried()))


def stage_variables(graph: StageGraph, stage: Stage, args: Mapping[str, str] = NO_ARGS) -> Mapping[str, str]:
    """ARG and ENV as the stage leaves them, which a stage that starts from it sees."""
    return _final(graph, stage, args).values


@dataclass(frozen=True, slots=True)
class _Carried:
    """What goes along from instruction to instruction, and changes on the way."""

    values: dict[str, str] = field(default_factory=dict)
    arguments: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)


def _final(graph: StageGraph, stage: Stage, args: Mapping[str, str]) -> _Carried:
    carried = _Carried()
    for _ in _walk(graph, stage, args, carried):
        pass
    return carried


def is_on_image(graph: StageGraph, stage: Stage, args: Mapping[str, str] = NO_ARGS) -> bool:
    """Whether the chain of bases ends at an image of a registry."""
    base = graph.base(stage, args)
    if isinstance(base, StageSource):
        return is_on_image(graph, graph.stages[base.index], args)
    return isinstance(base, ImageSource)


def _walk(graph: StageGraph, stage: Stage, args: Mapping[str, str], carried: _Carried) -> Iterator[ScopedInstruction]:
    base = graph.base(stage, args)
    triggers: tuple[Instruction, ...] = ()
    if isinstance(base, StageSource):
        below = graph.stages[base.index]
        inherited = _final(graph, below, args)
        carried.values.update(inherited.values)
        carried.arguments.update(inherited.arguments)
        carried.unsure.update(inherited.unsure)
        triggers = tuple(found.trigger for found in below.instructions if found.trigger is not None)
    is_open = is_on_image(graph, stage, args)
    for instruction in (*triggers, *stage.instructions):
        scoped = ScopedInstruction(
            instruction=instruction,
            variables=dict(carried.values),
            arguments=frozenset(carried.arguments),
            is_image_open=is_open,
            unsure=frozenset(carried.unsure),
            escape=graph.directives.escape,
        )
        try:
            declared = _declared(graph, scoped, args)
        except ConfigurationError as error:
            raise located(error, graph.name, instruction.line) from error
        is_known = scoped.knows(instruction.text)
        for name, value in declared.items():  # a variable set again moves to the end, as in BuildKit's environment
            carried.values.pop(name, None)
            carried.values[name] = value
            (carried.arguments.add if instruction.keyword == "ARG" else carried.arguments.discard)(name)
            (carried.unsure.discard if is_known or name in args else carried.unsure.add)(name)
        yield scoped


def _declared(graph: StageGraph, scoped: ScopedInstruction, args: Mapping[str, str]) -> Mapping[str, str]:
    if scoped.instruction.keyword == "ENV":
        return {name: scoped.expanded(value) for name, value in environment_of(scoped.instruction.text)}
    if scoped.instruction.keyword != "ARG":
        return {}
    seen = dict(scoped.variables)
    declared: dict[str, str] = {}
    for name, default in arguments_of(scoped.instruction.text):
        if name in args:
            declared[name] = args[name]
        elif default is not None:
            declared[name] = expand(default, {**seen, **declared}, escape=scoped.escape)
        elif (inherited := _global_value(graph, name, args)) is not None:
            declared[name] = inherited
    return declared


def _global_value(graph: StageGraph, name: str, args: Mapping[str, str]) -> str | None:
    """An ARG without a default takes the value of the one above the first FROM, or of the platform."""
    values = {known: args.get(known, value) for known, value in platform_args(graph.platform).items()}
    for known in graph.global_args:
        if known.name in args:
            values[known.name] = args[known.name]
        elif known.default is not None:
            values[known.name] = expand(known.default, values, escape=graph.directives.escape)
    return values.get(name)


def environment_of(text: str) -> tuple[tuple[str, str], ...]:
    """The `name=value` words of an ENV or LABEL, values still quoted; the old form `ENV name value` is one pair."""
    words = split_words(text)
    if words and "=" not in words[0]:
        name, _, value = text.partition(" ")
        return ((name, value.strip()),)
    pairs = (word.partition("=") for word in words)
    return tuple((unquote(name), value) for name, _, value in pairs)
