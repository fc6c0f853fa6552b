"""From the inputs of a build to its steps."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer.context.listing import ContextFile
from sledgehammer.context.sources import instruction_sources, mount_options
from sledgehammer.context.usage import select_files
from sledgehammer.dockerfile.graph import Stage, StageGraph
from sledgehammer.dockerfile.instruction import ImageSource, Instruction, Source, StageSource
from sledgehammer.dockerfile.parse import parse_dockerfile
from sledgehammer.dockerfile.scope import ScopedInstruction, scoped_instructions
from sledgehammer.explain.copying import copied_files, copied_paths, copy_text
from sledgehammer.explain.inputs import BuildInputs
from sledgehammer.explain.steps import Part, Step, Upstream, may_change

_VERTICES = ("ADD", "COPY", "RUN", "WORKDIR")
TITLE_LENGTH = 60


@dataclass(slots=True)
class _StageState:
    """Where a stage stands: its last step, and the settings that RUN's key holds."""

    last: Step | None
    image: str  # what an empty stage consists of: reference and digest, "" on scratch
    workdir: str = "/"
    user: str = ""
    shell: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def build_steps(inputs: BuildInputs) -> tuple[Step, ...]:
    """The steps of all stages that the target needs, stage by stage. Raises ConfigurationError."""
    graph = parse_dockerfile(inputs.dockerfile, name=inputs.name, platform=inputs.platform)
    states: dict[int, _StageState] = {}
    steps: list[Step] = []
    for stage in graph.reachable(inputs.target, inputs.args):
        steps += _stage_steps(graph, stage, inputs, states)
    return tuple(steps)


def _stage_steps(graph: StageGraph, stage: Stage, inputs: BuildInputs, states: dict[int, _StageState]) -> list[Step]:
    base = graph.base(stage, inputs.args)
    state = _first_state(base, inputs, states)
    states[stage.index] = state
    total = sum(instruction.keyword in _VERTICES for instruction in stage.instructions)
    index = int(isinstance(base, ImageSource))
    total += index
    steps = []
    for scoped in scoped_instructions(graph, stage, inputs.args):
        instruction = scoped.instruction
        _apply_setting(scoped, state)
        if instruction.keyword not in _VERTICES or (instruction.keyword == "WORKDIR" and state.workdir == "/"):
            continue
        index += 1
        state.last = Step(
            stage=stage.name or f"stage-{stage.index}",
            index=index,
            total=total,
            keyword=instruction.keyword,
            title=_title(instruction),
            line=instruction.line,
            parts=(*_parts(scoped, state, inputs), *_base_part(state)),
            files=_files(scoped, inputs),
            parent=state.last,
            upstream=_upstream(scoped, inputs, states),
            destination=_destination(scoped, state),
            variables=scoped.variables,
        )
        steps.append(state.last)
    return steps


def _first_state(base: Source, inputs: BuildInputs, states: Mapping[int, _StageState]) -> _StageState:
    if isinstance(base, StageSource):
        below = states[base.index]
        return _StageState(
            last=below.last, image=below.image, workdir=below.workdir, user=below.user, shell=below.shell
        )
    return _StageState(last=None, image=_image(base, inputs))


def _image(source: Source, inputs: BuildInputs) -> str:
    return f"{source.reference}@{inputs.bases.get(source.reference, '')}" if isinstance(source, ImageSource) else ""


def _apply_setting(scoped: ScopedInstruction, state: _StageState) -> None:
    instruction = scoped.instruction
    if instruction.keyword == "WORKDIR":
        state.workdir = posixpath.normpath(posixpath.join(state.workdir, scoped.expanded(instruction.text)))
    elif instruction.keyword == "USER":
        state.user = scoped.expanded(instruction.text)
    elif instruction.keyword == "SHELL":
        state.shell = repr(instruction.exec_form)


def _title(instruction: Instruction) -> str:
    values = ((flag.name, "" if flag.value is None else f"={flag.value}") for flag in instruction.flags)
    flags = "".join(f"--{name}{value} " for name, value in values)
    title = " ".join(f"{instruction.keyword} {flags}{instruction.text}".split())
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1] + "…"


def _base_part(state: _StageState) -> tuple[Part, ...]:
    """The first step of a stage on an image has that image for its parent."""
    if state.last is not None or state.image == "":
        return ()
    reference, _, digest = state.image.rpartition("@")
    return (Part(kind="base", name=reference, value=digest),)


def _parts(scoped: ScopedInstruction, state: _StageState, inputs: BuildInputs) -> tuple[Part, ...]:
    platform = Part(kind="platform", name="", value=inputs.platform)
    if scoped.instruction.keyword == "RUN":
        return (platform, *_run_parts(scoped, state))
    text = state.workdir if scoped.instruction.keyword == "WORKDIR" else copy_text(scoped, state.workdir)
    owner = (Part(kind="setting", name="USER", value=state.user),) if scoped.instruction.keyword == "WORKDIR" else ()
    return (platform, Part(kind="instruction", name="", value=text), *owner)


def _run_parts(scoped: ScopedInstruction, state: _StageState) -> list[Part]:
    instruction = scoped.instruction
    command = instruction.text if instruction.exec_form is None else repr(instruction.exec_form)
    bodies = "".join(f"\n{doc.name}\n{doc.content}" for doc in instruction.heredocs)
    flags = sorted(_run_flag(flag.name, scoped.expanded(flag.value or "")) for flag in instruction.flags)
    parts = [Part(kind="instruction", name="", value="\n".join([*flags, command]) + bodies)]
    for name, value in scoped.variables.items():
        parts.append(Part(kind="ARG" if name in scoped.arguments else "ENV", name=name, value=value))
    parts.append(Part(kind="order", name="", value=" ".join(scoped.variables)))
    parts.append(Part(kind="setting", name="WORKDIR", value=state.workdir))
    parts.append(Part(kind="setting", name="USER", value=state.user))
    if instruction.exec_form is None:
        parts.append(Part(kind="setting", name="SHELL", value=state.shell))
    return parts


def _run_flag(name: str, value: str) -> str:
    """A cache mount's id and sharing are not in the key, nor is where in its source a bind mount begins."""
    if name != "mount":
        return f"--{name}={value}"
    options = mount_options(value)
    dropped = {"id", "sharing"} if options.get("type", "").lower() == "cache" else {"from", "source", "src"}
    return "--mount=" + ",".join(f"{key}={options[key]}" for key in sorted(options.keys() - dropped))


def _files(scoped: ScopedInstruction, inputs: BuildInputs) -> tuple[ContextFile, ...]:
    sources = instruction_sources(scoped)
    if not sources:
        return ()
    if scoped.instruction.keyword == "RUN":
        return select_files(sources, inputs.files)
    return copied_files(sources, inputs.files)


def _upstream(
    scoped: ScopedInstruction, inputs: BuildInputs, states: Mapping[int, _StageState]
) -> tuple[Upstream, ...]:
    found = []
    paths = copied_paths(scoped)
    for source in scoped.instruction.sources:
        for path in paths if scoped.instruction.keyword != "RUN" else ("/",):
            if not isinstance(source, StageSource):
                found.append(Upstream(step=None, path=path, image=_image(source, inputs)))
                continue
            state = states[source.index]
            step = state.last
            while step is not None and not may_change(step, path):
                step = step.parent
            found.append(Upstream(step=step, path=path, image=state.image))
    return tuple(found)


def _destination(scoped: ScopedInstruction, state: _StageState) -> str:
    if scoped.instruction.keyword == "RUN":
        return ""
    if scoped.instruction.keyword == "WORKDIR":
        return state.workdir
    return copy_text(scoped, state.workdir).rpartition("\n")[2]
