"""Where an engine of our own keeps its things."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

_SOCKET_PATH_LIMIT = 107  # sun_path in unix(7), without its final NUL
_LONGEST_SOCKET_BELOW = len("/exec/containerd/containerd.sock.ttrpc")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePaths:
    """`home` holds what lasts; `run` holds sockets, and is short enough for their paths."""

    home: Path
    run: Path

    @property
    def socket(self) -> Path:
        """dockerd's API."""
        return self.run / "docker.sock"

    @property
    def docker_host(self) -> str:
        """The same as an address for clients."""
        return f"unix://{self.socket}"

    @property
    def exec_root(self) -> Path:
        """Runtime state of containers; nobody but this engine names this path."""
        return self.run / "exec"

    @property
    def data_root(self) -> Path:
        """Images, containers and volumes: kept between runs."""
        return self.home / "data"

    @property
    def configuration(self) -> Path:
        """dockerd's configuration file, instead of the host's /etc/docker/daemon.json."""
        return self.home / "daemon.json"

    @property
    def record(self) -> Path:
        """Who dockerd is, for ending it."""
        return self.home / "dockerd.process"

    @property
    def pid_file(self) -> Path:
        """dockerd's own pid file, which it insists on."""
        return self.home / "dockerd.pid"

    @property
    def log(self) -> Path:
        """What dockerd says."""
        return self.home / "dockerd.log"

    @property
    def bridge(self) -> str:
        """Name of the engine's default bridge (at most 15 bytes), of this state directory alone."""
        return f"sle{name_digest(str(self.home))}"


def engine_paths(state_dir: Path) -> EnginePaths:
    """The paths for a state directory; sockets of one that lies too deep go below /run instead."""
    home = state_dir.resolve() / "engine"
    is_short = len(os.fsencode(home)) + _LONGEST_SOCKET_BELOW <= _SOCKET_PATH_LIMIT
    return EnginePaths(home=home, run=home if is_short else Path("/run") / f"sledgehammer-{name_digest(str(home))}")


def name_digest(name: str) -> str:
    """Eight characters that stand for a name or a path."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
