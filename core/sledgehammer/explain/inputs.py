"""All that decides the cache keys of one build."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer.context.listing import ContextFile
from sledgehammer.platforms import DEFAULT_PLATFORM


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """A Dockerfile's text and what it is built with. `files` are those of the context that are not ignored; a base
    image without a digest in `bases` is told apart by its reference alone."""

    dockerfile: str
    files: tuple[ContextFile, ...]
    name: str = "Dockerfile"
    target: str = ""
    platform: str = DEFAULT_PLATFORM
    args: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
