"""Containers of one Docker engine, through the `docker` command: what a runner and a build service need.

Values of environment variables never stand on a command line: they travel in an environment file (0600) or
in the client's own environment. To cancel a streaming call from another thread, `kill` or `remove` its
container: the call then returns with a non-zero exit code.
"""

import contextlib
import io
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sledgehammer.errors import MissingToolError, NotFoundError, RemoteError
from sledgehammer.process import Command, Completed, LocalProcessRunner, ProcessRunner, run_checked
from sledgehammer_localstack.container_spec import (
    ContainerSpec,
    ContainerState,
    ImageConfig,
    create_flags,
    environment_flags,
    label_flags,
)

OnOutput = Callable[[bytes], None]


class ContainerEngine:
    """The containers, networks, volumes and images of the engine at `docker_host` (`unix:///…`, `tcp://…`)."""

    def __init__(self, docker_host: str, *, runner: ProcessRunner | None = None) -> None:
        self.docker_host = docker_host
        self._runner = runner or LocalProcessRunner()

    def create(self, spec: ContainerSpec) -> str:
        """Make the container, not yet running; gives its id. Raises RemoteError with the engine's words."""
        with environment_flags(spec.env) as (flags, client_env):
            argv = ["create", "--name", spec.name, *flags, *create_flags(spec), spec.image]
            argv += [*(spec.entrypoint or ())[1:], *spec.command]
            return self._docker(argv, env=client_env).text

    def start(self, container: str) -> None:
        """Start it in the background."""
        self._docker(["start", container])

    def run(self, container: str, *, stdin: bytes, on_output: OnOutput) -> int:
        """Start a created or stopped container (`is_interactive`), feed `stdin`, stream both outputs to
        `on_output` as they come, and give the exit code of its main process."""
        return self._stream(["start", "--attach", "--interactive", container], stdin=stdin, on_output=on_output)

    def exec(
        self,
        container: str,
        argv: Sequence[str],
        *,
        on_output: OnOutput,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        working_dir: str = "",
        user: str = "",
    ) -> int:
        """Run a program in a running container; streams both outputs and gives its exit code."""
        with environment_flags(env or {}) as (flags, client_env):
            options = ["--workdir", working_dir] if working_dir else []
            options += ["--user", user] if user else []
            command = ["exec", "--interactive", *flags, *options, container, *argv]
            return self._stream(command, stdin=stdin, on_output=on_output, env=client_env)

    def wait(self, container: str) -> int:
        """Block until it ends; gives its exit code."""
        return int(self._docker(["wait", container]).text)

    def logs(self, container: str, *, tail: int) -> str:
        """The last `tail` lines of both outputs."""
        done = self._docker(["logs", "--tail", str(tail), container])
        return (done.stdout + done.stderr).decode(errors="replace")

    def kill(self, container: str) -> None:
        """End it at once; one that is gone or not running is fine."""
        self._runner.run(self._command(["kill", container]))

    def remove(self, container: str) -> None:
        """End it and remove it with its anonymous volumes; one that is gone already is fine."""
        self._remove(["rm", "--force", "--volumes", container])

    def inspect(self, container: str) -> ContainerState:
        """Raises NotFoundError when there is no such container."""
        facts = self._inspect("container", container)
        networks = facts["NetworkSettings"]["Networks"]
        return ContainerState(
            is_running=facts["State"]["Running"],
            exit_code=facts["State"]["ExitCode"],
            addresses={name: end["IPAddress"] for name, end in networks.items() if end["IPAddress"]},
        )

    def list_containers(self, *, label: str) -> tuple[str, ...]:
        """Ids of all containers, running or not, that carry `key=value`."""
        return self._list(["ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}"])

    def copy_in(self, container: str, path: str, tar: IO[bytes]) -> None:
        """Unpack a tar file below `path`, which must exist, in a created, running or stopped container."""
        tar.flush()
        tar.seek(0)
        said = bytearray()
        if self._stream(["cp", "-", f"{container}:{path}"], stdin=tar, on_output=said.extend) != 0:
            words = said.decode(errors="replace").strip()
            raise RemoteError(f"copying files to {path} of container {container}: {words}")

    @contextlib.contextmanager
    def copy_out(self, container: str, path: str) -> Iterator[IO[bytes]]:
        """A tar stream of the file or directory at `path`; members are named from its last part on.

        Raises NotFoundError when nothing is there."""
        argv = ["docker", "cp", f"{container}:{path}", "-"]
        with self._open(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert isinstance(process.stdout, io.BufferedReader)  # noqa: S101 - PIPE was asked for
            assert process.stderr is not None  # noqa: S101 - PIPE was asked for
            if not process.stdout.peek(1):
                said = process.stderr.read().decode(errors="replace").strip()
                raise NotFoundError(f"copying {path} from container {container}: {said}")
            yield process.stdout
            process.kill()

    def create_network(self, name: str, *, labels: Mapping[str, str], is_internal: bool = False) -> None:
        """A bridge network; an internal one has no way out, so it never becomes the default route."""
        internal = ["--internal"] if is_internal else []
        self._docker(["network", "create", *internal, *label_flags(labels), name])

    def connect(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        """Attach a container to a further network, under these names there."""
        flags = [flag for alias in aliases for flag in ("--alias", alias)]
        self._docker(["network", "connect", *flags, network, container])

    def list_networks(self, *, label: str) -> tuple[str, ...]:
        """Ids of networks that carry `key=value`."""
        return self._list(["network", "ls", "--quiet", "--no-trunc", "--filter", f"label={label}"])

    def remove_network(self, name: str) -> None:
        """One that is gone already is fine."""
        self._remove(["network", "rm", name])

    def create_volume(self, name: str, *, labels: Mapping[str, str]) -> None:
        """A named volume; an existing one of that name is kept."""
        self._docker(["volume", "create", *label_flags(labels), name])

    def list_volumes(self, *, label: str) -> tuple[str, ...]:
        """Names of volumes that carry `key=value`."""
        return self._list(["volume", "ls", "--quiet", "--filter", f"label={label}"])

    def remove_volume(self, name: str) -> None:
        """One that is gone already is fine."""
        self._remove(["volume", "rm", "--force", name])

    def has_image(self, image: str) -> bool:
        """Whether the engine holds it."""
        return self._runner.run(self._command(["image", "inspect", image])).exit_code == 0

    def image_config(self, image: str) -> ImageConfig:
        """Raises NotFoundError when the engine does not hold it."""
        config = self._inspect("image", image)["Config"] or {}
        ports = [port.partition("/") for port in config.get("ExposedPorts") or {}]
        return ImageConfig(
            tcp_ports=tuple(sorted(int(number) for number, _, protocol in ports if protocol in {"", "tcp"})),
            volumes=tuple(sorted(config.get("Volumes") or {})),
        )

    def pull(self, image: str, *, client_config: Path | None = None) -> None:
        """Fetch an image; `client_config` is a directory whose `config.json` holds registry credentials."""
        env = {} if client_config is None else {"DOCKER_CONFIG": str(client_config)}
        self._docker(["pull", "--quiet", image], env=env)

    def _command(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Command:
        return Command(argv=("docker", *argv), env={**(env or {}), "DOCKER_HOST": self.docker_host})

    def _docker(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> Completed:
        return run_checked(self._runner, self._command(argv, env))

    def _list(self, argv: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._docker(argv).text.split())

    def _remove(self, argv: Sequence[str]) -> None:
        done = self._runner.run(self._command(argv))
        said = done.stderr.decode(errors="replace").strip()
        if done.exit_code != 0 and not _is_gone(said):
            raise RemoteError(f"`docker {' '.join(argv)}` ended with exit code {done.exit_code}: {said}")

    def _inspect(self, kind: str, name: str) -> dict[str, Any]:
        done = self._runner.run(self._command([kind, "inspect", name]))
        if done.exit_code != 0:
            raise NotFoundError(f"inspecting {kind} {name}: {done.stderr.decode(errors='replace').strip()}")
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found[0]

    def _stream(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | IO[bytes],
        on_output: OnOutput,
        env: Mapping[str, str] | None = None,
    ) -> int:
        source = subprocess.PIPE if isinstance(stdin, bytes) else stdin
        with self._open(["docker", *argv], stdin=source, stderr=subprocess.STDOUT, env=env) as process:
            assert process.stdout is not None  # noqa: S101 - PIPE was asked for
            feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
            feeder.start()
            try:
                while chunk := os.read(process.stdout.fileno(), 65536):
                    on_output(chunk)
            except BaseException:
                process.kill()
                raise
            feeder.join()
        return process.returncode

    def _open(
        self,
        argv: Sequence[str],
        *,
        stdin: int | IO[bytes],
        stderr: int,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(env or {}), "DOCKER_HOST": self.docker_host},
                start_new_session=True,  # a Ctrl-C at this process ends containers in our order, not docker's
            )
        except FileNotFoundError as error:
            hint = "install it, for example: apt-get install docker.io"
            raise MissingToolError("`docker` is not installed on this machine", hint=hint) from error


def _feed(process: "subprocess.Popen[bytes]", stdin: bytes | IO[bytes]) -> None:
    if process.stdin is None or not isinstance(stdin, bytes):
        return
    with contextlib.suppress(BrokenPipeError):  # the program ended without reading all of its input
        process.stdin.write(stdin)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


def _is_gone(said: str) -> bool:
    return "No such" in said or "not found" in said or "already in progress" in said
