"""Builds in containers of a Docker engine, privileged ones with a Docker daemon of their own inside."""

import contextlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import IO

from sledgehammer.errors import RemoteError
from sledgehammer_localstack.aws.codebuild.layer_volumes import DAEMON_FOLDERS, LayerVolumes
from sledgehammer_localstack.aws.codebuild.workspace import ImagePullError, OnOutput, Provision
from sledgehammer_localstack.aws.settings import EngineSettings
from sledgehammer_localstack.container_files import file_archive
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine

SERVICE_LABEL = "sledgehammer.codebuild"
_ROOT = "/codebuild"
_STAY = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done")
# As on CodeBuild, an image of one's own may leave it to its buildspec to start dockerd: then there is none to wait for.
_WAIT_FOR_DOCKER = """
command -v docker >/dev/null || exit 0
tries=0
until docker info >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 6 ] && ! grep -qx dockerd /proc/[0-9]*/comm 2>/dev/null; then exit 0; fi
  if [ "$tries" -gt 120 ]; then echo "dockerd is not ready after 60 s:"; tail -n 20 /var/log/dockerd.log; exit 1; fi
  sleep 0.5
done
"""


class ContainerExecutor:
    """Containers carry the stack's label and `sledgehammer.codebuild`; `sweep` removes those of an earlier life."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._engine = ContainerEngine(settings.docker_host)
        self._layers = LayerVolumes(self._engine, stack=settings.stack)

    def sweep(self) -> None:
        """Remove containers that an endpoint which is gone left behind, and the layers of its projects."""
        for container in self._engine.list_containers(label=f"{SERVICE_LABEL}={self._settings.stack}"):
            self._engine.remove(container)
        self._layers.sweep()

    def forget_layers(self, project: str) -> None:
        self._layers.forget(project)

    def open(self, provision: Provision) -> "ContainerWorkspace":
        """A running container; one whose image starts a Docker daemon once that answers."""
        if not self._engine.has_image(provision.image):
            try:
                self._engine.pull(provision.image)
            except RemoteError as error:
                raise ImagePullError(f"Unable to pull the build's image {provision.image}: {error.message}") from error
        kept = self._layers.lend(provision.layers_of) if provision.layers_of else ()
        on_close = partial(self._layers.give_back, provision.layers_of) if kept else _nothing
        try:
            container = self._engine.create(self._spec(provision, kept))
        except BaseException:
            on_close()
            raise
        workspace = ContainerWorkspace(self._engine, container, on_close=on_close)
        try:
            with _directories() as tar:
                self._engine.copy_in(container, "/", tar)
            with file_archive(self._files(provision)) as tar:
                self._engine.copy_in(container, "/", tar)
            self._engine.start(container)
            if provision.privileged:
                _wait_for_docker(self._engine, container)
        except BaseException:
            workspace.close()
            raise
        return workspace

    def _files(self, provision: Provision) -> Mapping[str, Path]:
        daemon = {"/etc/docker/daemon.json": self._settings.dind_daemon_file} if provision.privileged else {}
        return {**self._settings.client_files, **daemon}

    def _spec(self, provision: Provision, kept: tuple[str, ...]) -> ContainerSpec:
        labels = {"sledgehammer.stack": self._settings.stack, SERVICE_LABEL: self._settings.stack}
        return ContainerSpec(
            image=provision.image,
            name=f"codebuild-{self._settings.stack}-{provision.build_id}",
            command=_STAY,
            env=provision.env,
            labels=labels,
            network=self._settings.network,
            # An overlay cannot lie on an overlay, so the inner daemon's data needs volumes.
            volumes=(kept or DAEMON_FOLDERS) if provision.privileged else (),
            tmpfs=("/run",) if provision.privileged else (),
            privileged=provision.privileged,
        )


class ContainerWorkspace:
    """One running container; `on_close` is called once it is gone."""

    def __init__(self, engine: ContainerEngine, container: str, *, on_close: Callable[[], None]) -> None:
        self._engine = engine
        self._container = container
        self._on_close = on_close

    @property
    def source_dir(self) -> str:
        return f"{_ROOT}/output/src/src"

    @property
    def control_dir(self) -> str:
        return f"{_ROOT}/readonly"

    def upload(self, directory: str, tar: IO[bytes]) -> None:
        self._engine.copy_in(self._container, directory, tar)

    def run(self, argv: Sequence[str], *, env: Mapping[str, str], on_output: OnOutput) -> int:
        return self._engine.exec(self._container, argv, on_output=on_output, env=env, working_dir=self.source_dir)

    def download(self, path: str) -> AbstractContextManager[IO[bytes]]:
        return self._engine.copy_out(self._container, path)

    def stop(self) -> None:
        self._engine.kill(self._container)

    def close(self) -> None:
        self._engine.remove(self._container)
        self._on_close()


def _nothing() -> None:
    """No layers are to be given back."""


def _wait_for_docker(engine: ContainerEngine, container: str) -> None:
    said = bytearray()
    if engine.exec(container, ["sh", "-c", _WAIT_FOR_DOCKER], on_output=said.extend) != 0:
        raise RemoteError(f"starting the Docker daemon of a privileged build: {said.decode(errors='replace').strip()}")


@contextlib.contextmanager
def _directories() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:  # docker reads it as its standard input
        with tarfile.open(fileobj=file, mode="w:") as archive:
            for name in ("codebuild", "codebuild/output", "codebuild/output/src", "codebuild/output/src/src"):
                archive.addfile(_directory(name, 0o755))
            archive.addfile(_directory("codebuild/readonly", 0o700))
        yield file


def _directory(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    entry.mode = mode
    return entry
