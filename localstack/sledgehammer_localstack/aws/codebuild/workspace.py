"""Where a build's commands run: the one thing that differs between a container and a plain process."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Protocol

from sledgehammer.errors import NotFoundError

OnOutput = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What a build asks for. `build_id` is the uuid; `env` goes to every command and may hold secrets. `layers_of` is
    the project whose Docker layers this host keeps, "" where it keeps none."""

    build_id: str
    image: str
    privileged: bool
    env: Mapping[str, str] = field(repr=False)
    layers_of: str = ""


class ImagePullError(NotFoundError):
    """The build's image is neither on the engine nor to be pulled."""


class Workspace(Protocol):
    """One provisioned place with the build's sources. Paths are as the commands see them."""

    @property
    def source_dir(self) -> str:
        """CODEBUILD_SRC_DIR."""

    @property
    def control_dir(self) -> str:
        """A directory for the build's own script and state, outside the sources."""

    def upload(self, directory: str, tar: IO[bytes]) -> None:
        """Unpack a tar file into a directory."""

    def run(self, argv: Sequence[str], *, env: Mapping[str, str], on_output: OnOutput) -> int:
        """Run a program in the source directory, with `env` beside the provision's; gives its exit code."""

    def download(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """A tar stream of a file or directory; members start with the path's last part. Raises NotFoundError."""

    def stop(self) -> None:
        """End what runs, from another thread; `run` then returns."""

    def close(self) -> None:
        """Remove the place."""


class BuildExecutor(Protocol):
    """Provides workspaces."""

    def open(self, provision: Provision) -> Workspace:
        """Raises ImagePullError where there is no such image, RemoteError where the engine refuses."""

    def forget_layers(self, project: str) -> None:
        """Drop the Docker layers that are kept of a project; none are fine."""
