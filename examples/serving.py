"""Start a pushed image somewhere new: an engine of its own pulls it by digest, runs it, and its page is fetched."""

import contextlib
import secrets
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from sledgehammer.errors import RemoteError
from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.secret import Secret
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine

START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who may pull."""

    username: str
    password: Secret


def fetch_page(stack: StackConfig, reference: str, *, port: int, login: Login) -> str:
    """Pull `repository@sha256:…` on a fresh engine, start it, and give the text of its page at `port`."""
    with _fresh_engine(stack) as (engine, container):
        registry = reference.partition("/")[0]
        words = ["docker", "login", "--username", login.username, "--password-stdin", registry]
        _inside(engine, container, words, stdin=login.password.reveal().encode())
        _inside(engine, container, ["docker", "pull", "--quiet", reference])
        _inside(engine, container, ["docker", "run", "--detach", "--publish", f"{port}:{port}", reference])
        address = engine.inspect(container).addresses[stack.network]
        return poll_until(
            lambda: _get(f"http://{address}:{port}/"),
            what=f"the page of {reference}",
            is_final=bool,
            interval_s=0.2,
            deadline_s=START_TIMEOUT_S,
            clock=SystemClock(),
        )


@contextlib.contextmanager
def _fresh_engine(stack: StackConfig) -> Iterator[tuple[ContainerEngine, str]]:
    engine = ContainerEngine(stack.docker_host)
    spec = ContainerSpec(
        image=f"docker:{stack.docker_version}-dind",
        name=f"{stack.network}-serving-{secrets.token_hex(4)}",
        env={"DOCKER_TLS_CERTDIR": ""},
        labels={"sledgehammer.stack": stack.name},
        network=stack.network,
        volumes=("/var/lib/docker", "/var/lib/containerd"),
        tmpfs=("/run",),
        privileged=True,
    )
    container = engine.create(spec)
    try:
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                tar.add(stack.state_dir / "engine" / "dind-daemon.json", arcname="etc/docker/daemon.json")
            engine.copy_in(container, "/", file)
        engine.start(container)
        poll_until(
            lambda: engine.exec(container, ["docker", "info"], on_output=bytearray().extend) == 0,
            what="the engine that serves the image",
            is_final=bool,
            interval_s=0.3,
            deadline_s=START_TIMEOUT_S,
            clock=SystemClock(),
        )
        yield engine, container
    finally:
        engine.remove(container)


def _inside(engine: ContainerEngine, container: str, argv: list[str], *, stdin: bytes = b"") -> None:
    said = bytearray()
    code = engine.exec(container, argv, on_output=said.extend, stdin=stdin)
    if code != 0:
        words = said.decode(errors="replace").strip()
        raise RemoteError(f"`{' '.join(argv)}` on a fresh engine ended with exit code {code}: {words}")


def _get(url: str) -> str:
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(url, timeout=(2, 10))
        except requests.ConnectionError:
            return ""
    if answer.status_code != 200:
        raise RemoteError(f"{url} answers {answer.status_code}: {answer.text[:200]}")
    return answer.text
