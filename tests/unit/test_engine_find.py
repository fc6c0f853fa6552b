"""Which engine is used, and what is said when there is none."""

import json

import pytest

from sledgehammer.errors import MissingToolError, RemoteError
from sledgehammer.process import Command, Completed
from sledgehammer_localstack.engine.find import Engine, find_engine
from sledgehammer_localstack.engine.install import ensure_programs


class Docker:
    """A docker client for which engines answer at `alive`; its current context points at `context`."""

    def __init__(self, *, alive: tuple[str, ...], context: str = "") -> None:
        self.alive = alive
        self.context = context
        self.calls: list[tuple[str, ...]] = []

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        self.calls.append(command.argv)
        if command.argv[1:3] == ("context", "inspect"):
            facts = [{"Endpoints": {"docker": {"Host": self.context}}}]
            return Completed(exit_code=0 if self.context else 1, stdout=json.dumps(facts).encode(), stderr=b"")
        if command.argv[0] != "docker":
            return Completed(exit_code=0, stdout=b"", stderr=b"")
        is_alive = command.argv[2] in self.alive
        return Completed(exit_code=0 if is_alive else 1, stdout=b"28.5.2\n" if is_alive else b"", stderr=b"")

    def stream(self, command: Command, *, on_line: object) -> int:
        raise AssertionError(f"unplanned: {command.display()}")


@pytest.fixture(autouse=True)
def client_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A docker client is on the PATH, and nothing in the environment points anywhere."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr("shutil.which", lambda name, path=None: None if "no-such" in name else f"/usr/bin/{name}")


def test_docker_host_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user named comes first; it is not ours to end."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")

    found = find_engine(Docker(alive=("tcp://10.0.0.1:2375",), context="unix:///other.sock"))

    assert found == Engine(docker_host="tcp://10.0.0.1:2375", version="28.5.2", is_owned=False)


def test_a_dead_docker_host_is_an_error_not_another_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs must not run on another machine than the one the user named."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")

    with pytest.raises(RemoteError, match=r"DOCKER_HOST=tcp://10\.0\.0\.1:2375"):
        find_engine(Docker(alive=("unix:///var/run/docker.sock",)))


def test_the_current_context_is_used() -> None:
    """As `docker` itself does, for Docker Desktop or a rootless engine."""
    found = find_engine(
        Docker(alive=("unix:///run/user/1000/docker.sock",), context="unix:///run/user/1000/docker.sock")
    )

    assert found is not None
    assert found.docker_host == "unix:///run/user/1000/docker.sock"


def test_a_client_without_contexts_asks_the_default_socket() -> None:
    """Old clients know no contexts."""
    found = find_engine(Docker(alive=("unix:///var/run/docker.sock",)))

    assert found is not None
    assert found.docker_host == "unix:///var/run/docker.sock"


def test_no_engine_anywhere_is_no_error() -> None:
    """One can be started."""
    assert find_engine(Docker(alive=())) is None


def test_missing_packages_are_named_with_the_command_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root nothing is installed behind the user's back."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    docker = Docker(alive=())

    with pytest.raises(MissingToolError, match="no-such-program missing") as failure:
        ensure_programs(docker, ("sh", "no-such-program"), packages=("a", "b"), say=lambda line: None)

    assert failure.value.hint == "sudo apt-get install a b"
    assert docker.calls == []


def test_installed_programs_are_not_installed_again() -> None:
    """apt is not even asked."""
    docker = Docker(alive=())

    ensure_programs(docker, ("dockerd",), packages=("docker.io",), say=lambda line: None)

    assert docker.calls == []
