"""A buildspec, version 0.2, as what a build does.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class PhaseName(Enum):
    """The phases a buildspec may fill, in the order they run."""

    INSTALL = "install"
    PRE_BUILD = "pre_build"
    BUILD = "build"
    POST_BUILD = "post_build"


class OnFailure(Enum):
    """What a failed phase means for the rest; unset follows the page "Build phase transitions"."""

    UNSET = ""
    ABORT = "ABORT"
    CONTINUE = "CONTINUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpec:
    """One phase's commands; `finally_commands` run after them, failed or not."""

    name: PhaseName
    commands: tuple[str, ...]
    finally_commands: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSpec:
    """Which files of `base_directory` become the output; patterns know `*`, `**` and `?`."""

    files: tuple[str, ...]
    name: str = ""
    base_directory: str = "."
    exclude_paths: tuple[str, ...] = ()
    discard_paths: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """Which files of the sources an S3 cache carries, and under which key, as written: CodeBuild evaluates keys."""

    paths: tuple[str, ...]
    key: str = ""
    fallback_keys: tuple[str, ...] = ()
    restores: bool = True
    saves: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildspec:
    """A whole file. `parameter_store` maps a variable to a parameter, `secrets_manager` to a secret reference."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported_variables: tuple[str, ...] = ()
    phases: tuple[PhaseSpec, ...] = ()
    artifacts: ArtifactSpec | None = None
    cache: CacheSpec | None = None
