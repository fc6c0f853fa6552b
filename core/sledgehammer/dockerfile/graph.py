"""The stages of one Dockerfile and what each is made from."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sledgehammer.dockerfile.expand import expand
from sledgehammer.dockerfile.instruction import ImageSource, Instruction, ScratchSource, Source, StageSource
from sledgehammer.dockerfile.lines import Directives, located
from sledgehammer.errors import ConfigurationError
from sledgehammer.platforms import DEFAULT_PLATFORM, platform_args

NO_ARGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalArg:
    """An ARG before the first FROM: seen by FROM lines only. `default` is as written, None without one."""

    name: str
    default: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One FROM and what follows it. `base` and `platform` are as written: variables are not expanded yet."""

    index: int
    name: str  # lower case; "" without AS
    base: str
    platform: str
    line: int
    instructions: tuple[Instruction, ...]

    @property
    def label(self) -> str:
        """The stage's name, or its number."""
        return self.name or str(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageGraph:
    """One Dockerfile, read for the platform that it is built on. Which stage a FROM names can depend on build arguments
    (`FROM base-${VARIANT}`), so every question about edges takes them."""

    name: str
    directives: Directives
    global_args: tuple[GlobalArg, ...]
    stages: tuple[Stage, ...]
    platform: str = DEFAULT_PLATFORM

    def stage(self, target: str = "") -> Stage:
        """The stage of that name, in any case; "" is the last one. Raises ConfigurationError with the nearest."""
        if target == "":
            return self.stages[-1]
        for stage in reversed(self.stages):
            if stage.name == target.lower():
                return stage
        names = [stage.name for stage in self.stages if stage.name]
        near = difflib.get_close_matches(target.lower(), names, n=1)
        guess = f'; did you mean "{near[0]}"?' if near else ""
        known = f"its stages: {', '.join(names)}" if names else "none of its stages has a name"
        raise ConfigurationError(f'{self.name} has no stage "{target}"{guess}', hint=known)

    def base(self, stage: Stage, args: Mapping[str, str] = NO_ARGS) -> Source:
        """What a stage starts from: an earlier stage, an image, or nothing."""
        values = self._global_values(args)
        try:
            reference = expand(stage.base, values, escape=self.directives.escape)
        except ConfigurationError as error:
            raise located(error, self.name, stage.line) from error
        if reference == "":
            raise ConfigurationError(
                f"{self.name}:{stage.line}: FROM {stage.base} names nothing",
                hint="give its ARG a default before the first FROM, or set it under args in sledge.yaml",
            )
        earlier = {known.name: known.index for known in self.stages[: stage.index] if known.name}
        if reference in earlier:
            return StageSource(earlier[reference])
        if reference.lower() in earlier:
            raise ConfigurationError(
                f"{self.name}:{stage.line}: FROM {reference} is read as an image, whose name cannot have capitals",
                hint=f"write FROM {reference.lower()} for the stage",
            )
        return ScratchSource() if reference == "scratch" else ImageSource(reference)

    def sources(self, stage: Stage, args: Mapping[str, str] = NO_ARGS) -> tuple[Source, ...]:
        """All that a stage takes from elsewhere, without repeats: its base, then copies and mounts in order.

        A base stage's ONBUILD triggers run in the stage that starts from it, so their sources are that stage's.
        Raises ConfigurationError when one of them is the stage itself or a later one. BuildKit, too, refuses that
        only in stages that it builds.
        """
        base = self.base(stage, args)
        triggers = () if not isinstance(base, StageSource) else self.stages[base.index].instructions
        inherited = [instruction.trigger for instruction in triggers if instruction.trigger is not None]
        found: list[Source] = [base]
        for instruction in (*inherited, *stage.instructions):
            self._demand_earlier(instruction, stage)
            found += instruction.sources
        return tuple(dict.fromkeys(found))

    def reachable(self, target: str = "", args: Mapping[str, str] = NO_ARGS) -> tuple[Stage, ...]:
        """The stages that BuildKit builds for a target, in the file's order; the target is the last.

        Raises ConfigurationError when there is no such stage, or one of them cannot be built as it is written.
        """
        wanted = [self.stage(target).index]
        for index in wanted:  # grows while it is walked
            for source in self.sources(self.stages[index], args):
                if isinstance(source, StageSource) and source.index not in wanted:
                    wanted.append(source.index)
        return tuple(self.stages[index] for index in sorted(wanted))

    def base_images(self, target: str = "", args: Mapping[str, str] = NO_ARGS) -> tuple[str, ...]:
        """References of all images that a target needs from registries, without repeats: bases, copies, mounts."""
        sources = [source for stage in self.reachable(target, args) for source in self.sources(stage, args)]
        return tuple(dict.fromkeys(source.reference for source in sources if isinstance(source, ImageSource)))

    def _global_values(self, args: Mapping[str, str]) -> Mapping[str, str]:
        """What FROM lines see: platform arguments and the ARGs above the first FROM, a default seeing those before."""
        values = {name: args.get(name, value) for name, value in platform_args(self.platform).items()}
        for declared in self.global_args:
            if declared.name in args:
                values[declared.name] = args[declared.name]
            elif declared.default is not None:
                try:
                    values[declared.name] = expand(declared.default, values, escape=self.directives.escape)
                except ConfigurationError as error:
                    raise located(error, self.name, declared.line) from error
        return values

    def _demand_earlier(self, instruction: Instruction, stage: Stage) -> None:
        for source in instruction.sources:
            if isinstance(source, StageSource) and source.index >= stage.index:
                raise ConfigurationError(
                    f"{self.name}:{instruction.line}: {instruction.keyword} takes from the stage"
                    f' "{self.stages[source.index].label}", which must be defined before the stage "{stage.label}"'
                )
