"""Where a project's images and caches lie, with the values put in that only a job knows by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer.destination import Destination
from sledgehammer.errors import ConfigurationError
from sledgehammer.operations import EnvVar, Text
from sledgehammer.registry.reference import Reference, parse_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRepositories:
    """Of one image: its own repository and its cache's, as they are reached from this machine."""

    image: Reference
    cache: Reference


def concrete_repositories(destination: Destination, values: Mapping[str, str]) -> Mapping[str, ImageRepositories]:
    """By image name. `values` are what the job's variables hold. Raises ConfigurationError where one is missing or
    what comes out is no reference."""
    return {
        name: ImageRepositories(
            image=parse_reference(expand_text(repository.image, values)),
            cache=parse_reference(expand_text(repository.cache, values)),
        )
        for name, repository in destination.repositories.items()
    }


def expand_text(text: Text, values: Mapping[str, str]) -> str:
    """The text with its variables' values. Raises ConfigurationError for a variable without one."""
    parts = []
    for part in text:
        if isinstance(part, EnvVar) and part.name not in values:
            raise ConfigurationError(f"only a job knows the value of {part.name}")
        parts.append(values[part.name] if isinstance(part, EnvVar) else part)
    return "".join(parts)
