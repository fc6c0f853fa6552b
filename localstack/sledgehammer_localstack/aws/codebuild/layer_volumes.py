"""What LOCAL_DOCKER_LAYER_CACHE keeps on this one host: the data of a project's Docker daemon, in volumes.

One build at a time has them; a second one at the same time starts with an empty daemon, as it would on another host of
CodeBuild's.
"""

import threading

from sledgehammer_localstack.containers import ContainerEngine

LAYERS_LABEL = "sledgehammer.codebuild.layers"
DAEMON_FOLDERS = ("/var/lib/docker", "/var/lib/containerd")


class LayerVolumes:
    """The volumes of all projects of a stack; may be asked from several threads."""

    def __init__(self, engine: ContainerEngine, *, stack: str) -> None:
        self._engine = engine
        self._stack = stack
        self._lock = threading.Lock()
        self._lent: set[str] = set()
        self._stale: set[str] = set()

    def lend(self, project: str) -> tuple[str, ...]:
        """A project's volumes as `name:/path`; none while another build has them."""
        with self._lock:
            if project in self._lent:
                return ()
            volumes = dict(zip(self._names(project), DAEMON_FOLDERS, strict=True))
            for name in volumes:
                labels = {"sledgehammer.stack": self._stack, LAYERS_LABEL: self._stack}
                self._engine.create_volume(name, labels=labels)
            self._lent.add(project)
            return tuple(f"{name}:{path}" for name, path in volumes.items())

    def give_back(self, project: str) -> None:
        """The build that had them has ended."""
        with self._lock:
            self._lent.discard(project)
            if project in self._stale:
                self._stale.discard(project)
                self._remove(project)

    def forget(self, project: str) -> None:
        """Remove what is kept of a project; a build that has it now is the last to have it."""
        with self._lock:
            if project in self._lent:
                self._stale.add(project)
            else:
                self._remove(project)

    def sweep(self) -> None:
        """Remove all volumes of the stack; no build may run."""
        for name in self._engine.list_volumes(label=f"{LAYERS_LABEL}={self._stack}"):
            self._engine.remove_volume(name)

    def _remove(self, project: str) -> None:
        for name in self._names(project):
            self._engine.remove_volume(name)

    def _names(self, project: str) -> tuple[str, ...]:
        return tuple(f"{self._stack}-codebuild-{project}-{path.rpartition('/')[2]}" for path in DAEMON_FOLDERS)
