"""A docker-in-docker engine of a chosen version that nobody used before, and jobs beside it as a CI runs them.

For tests and benchmarks of what a job's script does on engines of different ages.
"""

import contextlib
import json
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.process import LocalProcessRunner, ProcessRunner
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_files import file_archive
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.engine.buildx_files import client_files
from sledgehammer_localstack.engine.nested import NESTED_FILE, suited_to
from sledgehammer_localstack.images.make import ensure_more_images
from sledgehammer_localstack.images.on_request import engine_recipes
from sledgehammer_localstack.progress import Say, say_to_stderr
from sledgehammer_localstack.unpacking import unpack

_START_TIMEOUT_S = 60.0
_PROJECT = "/builds/project"
_SCRIPT = "/builds/job.sh"
_STAY = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended: both outputs in their order, and the seconds from its first command to its last."""

    exit_code: int
    output: str
    seconds: float


class FreshEngine:
    """One engine; each `run` is a job of its own beside it, in a new container of the same version's client."""

    def __init__(self, stack: StackConfig, version: str, *, name: str, engine: ContainerEngine) -> None:
        self.version = version
        self.container = name
        self._stack, self._name, self._engine = stack, name, engine

    def run(self, script: str, *, env: Mapping[str, str], folder: Path, kept: str = "") -> Ran:
        """Run a sh script in a copy of `folder` (owned by root, modes kept), with DOCKER_HOST as a GitLab job has it.
        The engine keeps what earlier runs left on it; nothing else does, but for the folder `kept` below `folder`,
        which is brought back, as a CI's cache is."""
        job = f"{self._name}-job-{secrets.token_hex(3)}"
        spec = ContainerSpec(
            image=f"docker:{self.version}-cli",
            name=job,
            command=_STAY,
            env={"DOCKER_HOST": "tcp://docker:2375", "DOCKER_TLS_CERTDIR": "", **env},
            labels=_labels(self._stack),
            network=self._stack.network,
        )
        self._engine.create(spec)
        try:
            self._engine.connect(self._name, job)
            self._put(job, script, folder)
            self._engine.start(job)
            ran = self._timed(job)
            if kept:
                self._bring_back(job, kept, folder)
            return ran
        finally:
            self._engine.remove(job)

    def _put(self, job: str, script: str, folder: Path) -> None:
        with file_archive(client_files(self._stack.state_dir)) as tar:
            self._engine.copy_in(job, "/", tar)
        with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as file:
            written = Path(scratch) / "job.sh"
            written.write_text(script)
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(folder, _PROJECT.lstrip("/"), filter=_owned_by_root)
                tar.add(written, _SCRIPT.lstrip("/"), filter=_owned_by_root)
            self._engine.copy_in(job, "/", file)

    def _bring_back(self, job: str, kept: str, folder: Path) -> None:
        shutil.rmtree(folder / kept, ignore_errors=True)
        with tempfile.TemporaryFile() as file:
            with self._engine.copy_out(job, f"{_PROJECT}/{kept}") as source:
                shutil.copyfileobj(source, file)
            file.seek(0)
            with tarfile.open(fileobj=file) as tar:
                unpack(tar, folder)

    def _timed(self, job: str) -> Ran:
        said = bytearray()
        started = time.monotonic()
        code = self._engine.exec(job, ["sh", _SCRIPT], on_output=said.extend, working_dir=_PROJECT)
        return Ran(exit_code=code, output=said.decode(errors="replace"), seconds=time.monotonic() - started)


@contextlib.contextmanager
def fresh_engine(
    stack: StackConfig,
    version: str,
    *,
    has_containerd_store: bool = True,
    runner: ProcessRunner | None = None,
    say: Say = say_to_stderr,
) -> Iterator[FreshEngine]:
    """An engine of one of ENGINE_VERSIONS on the running stack, its data on anonymous volumes; all of it is gone
    afterwards. The images of other versions than the stack's are made where they are not there yet.

    `has_containerd_store=False`: the image store that Docker 23 to 28 use unless told otherwise; an older engine has
    no other. Raises ConfigurationError for another version, TimedOutError when the engine does not come up."""
    recipes = engine_recipes(version)
    processes = runner or LocalProcessRunner()
    if version != stack.docker_version:
        from_hub = not stack.mirror_address
        ensure_more_images(stack.docker_host, recipes, from_hub=from_hub, runner=processes, say=say)
    engine = ContainerEngine(stack.docker_host, runner=runner)
    name = f"{stack.network}-fresh-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as last_first:
        last_first.callback(engine.remove_network, name)
        engine.create_network(name, labels=_labels(stack), is_internal=True)
        last_first.callback(engine.remove, name)
        _start(engine, stack, version, name=name, has_containerd_store=has_containerd_store)
        yield FreshEngine(stack, version, name=name, engine=engine)


def _start(engine: ContainerEngine, stack: StackConfig, version: str, *, name: str, has_containerd_store: bool) -> None:
    spec = ContainerSpec(
        image=f"docker:{version}-dind",
        name=name,
        env={"DOCKER_TLS_CERTDIR": ""},
        labels=_labels(stack),
        network=stack.network,
        volumes=("/var/lib/docker", "/var/lib/containerd"),
        tmpfs=("/run",),
        privileged=True,
    )
    engine.create(spec)
    engine.connect(name, name, aliases=("docker",))
    configuration = json.loads((stack.state_dir / "engine" / NESTED_FILE).read_text())
    suited = suited_to(version, configuration, has_containerd_store=has_containerd_store)
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / NESTED_FILE
        written.write_text(json.dumps(suited))
        with file_archive({"/etc/docker/daemon.json": written}) as tar:
            engine.copy_in(name, "/", tar)
    engine.start(name)
    poll_until(
        lambda: engine.exec(name, ["docker", "info"], on_output=bytearray().extend) == 0,
        what=f"the start of a fresh Docker {version}",
        is_final=bool,
        interval_s=0.2,
        deadline_s=_START_TIMEOUT_S,
        clock=SystemClock(),
    )


def _labels(stack: StackConfig) -> dict[str, str]:
    return {"sledgehammer.stack": stack.name}


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
