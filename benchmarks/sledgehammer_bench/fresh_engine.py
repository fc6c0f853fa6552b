"""A Docker engine that nobody has used, and a job container beside it: what a CI gives to every job."""

import io
import secrets
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.stack.options import LABEL

_READY_S = 60
_RUN_LIMIT_S = 1800
_FOLDER, _SCRIPT = "builds", "job.sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a script ended; `seconds` are its own, without the start of the engine and the copying of sources."""

    exit_code: int
    output: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshEngine:
    """An engine that answers, and the container that talks to it."""

    engine: ContainerEngine
    job: str

    def run(self, script: str, *, env: Mapping[str, str], folder: Path) -> Ran:
        """Run a POSIX sh script in a copy of `folder`; ended after half an hour."""
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(folder, _FOLDER)
                member = tarfile.TarInfo(_SCRIPT)
                member.size = len(script.encode())
                tar.addfile(member, io.BytesIO(script.encode()))
            self.engine.copy_in(self.job, "/", file)
        said = bytearray()
        started = time.monotonic()
        argv = ("timeout", str(_RUN_LIMIT_S), "sh", f"/{_SCRIPT}")
        code = self.engine.exec(self.job, argv, on_output=said.extend, env=env, working_dir=f"/{_FOLDER}")
        return Ran(exit_code=code, output=said.decode(errors="replace"), seconds=time.monotonic() - started)


@contextmanager
def fresh_engine(stack: StackConfig, version: str) -> Iterator[FreshEngine]:
    """Docker-in-docker of that version on the stack's network, plain on 2375; gone with all its data afterwards."""
    outer = ContainerEngine(stack.docker_host)
    name = f"{stack.network}-bench-{secrets.token_hex(4)}"
    dind, job = f"{name}-dind", f"{name}-job"
    try:
        outer.create(_dind(stack, version, dind))
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(stack.state_dir / "engine" / "dind-daemon.json", "etc/docker/daemon.json")
            outer.copy_in(dind, "/", file)
        outer.start(dind)
        outer.create(_job(stack, version, job, docker_host=f"tcp://{dind}:2375"))
        outer.start(job)
        poll_until(
            lambda: outer.exec(job, ("docker", "info"), on_output=lambda chunk: None) == 0,
            what=f"a fresh Docker {version}",
            is_final=bool,
            interval_s=0.3,
            deadline_s=_READY_S,
            clock=SystemClock(),
        )
        yield FreshEngine(engine=outer, job=job)
    finally:
        outer.remove(job)
        outer.remove(dind)


def _dind(stack: StackConfig, version: str, name: str) -> ContainerSpec:
    return ContainerSpec(
        image=f"docker:{version}-dind",
        name=name,
        env={"DOCKER_TLS_CERTDIR": ""},
        labels={LABEL: stack.name},
        network=stack.network,
        volumes=("/var/lib/docker", "/var/lib/containerd"),
        tmpfs=("/run",),
        privileged=True,
    )


def _job(stack: StackConfig, version: str, name: str, *, docker_host: str) -> ContainerSpec:
    return ContainerSpec(
        image=f"docker:{version}-cli",
        name=name,
        command=("sleep", "infinity"),
        env={"DOCKER_HOST": docker_host, "DOCKER_TLS_CERTDIR": ""},
        labels={LABEL: stack.name},
        network=stack.network,
    )
