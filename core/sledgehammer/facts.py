"""What the builder at hand can really do; a strategy that cannot hit on these facts is refused."""

import re
from dataclasses import dataclass

from sledgehammer.errors import ConfigurationError

_VERSION = re.compile(r"(\d+)(?:\.(\d+))?(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """`version` is Docker's (major, minor)."""

    version: tuple[int, int]

    @property
    def has_buildx(self) -> bool:
        """From Docker 23 on `docker build` is BuildKit and the docker:<v>-cli image is sure to bring buildx."""
        return self.version >= (23, 0)

    @property
    def name(self) -> str:
        """Docker and its version, as a person writes it."""
        return f"Docker {self.version[0]}.{self.version[1]}"


def facts_of_version(docker_version: str) -> EngineFacts:
    """Facts of an engine known only by its version, as in a CI file: "28", "28.5", "28.5.2".

    Raises ConfigurationError on anything else: an image tag without a number pins nothing.
    """
    match = _VERSION.fullmatch(docker_version)
    if match is None:
        raise ConfigurationError(
            f'docker: "{docker_version}" is not a Docker version', hint='write major.minor, such as docker: "28.5"'
        )
    return EngineFacts(version=(int(match[1]), int(match[2] or 0)))
