"""How containers are asked for: secrets stay off the command line, what is gone is no error."""

from pathlib import Path

import pytest

from sledgehammer.errors import ConfigurationError, NotFoundError, RemoteError
from sledgehammer.process import Command, Completed
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine


class FakeDocker:
    """Answers every command alike and keeps what it was told, environment files included."""

    def __init__(self, *, exit_code: int = 0, stdout: str = "id", stderr: str = "") -> None:
        self.answer = Completed(exit_code=exit_code, stdout=stdout.encode(), stderr=stderr.encode())
        self.commands: list[Command] = []
        self.env_file = ""
        self.env_file_mode = 0

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        self.commands.append(command)
        if "--env-file" in command.argv:
            path = Path(command.argv[command.argv.index("--env-file") + 1])
            self.env_file, self.env_file_mode = path.read_text(), path.stat().st_mode & 0o777
        return self.answer

    def stream(self, command: Command, *, on_line: object) -> int:
        raise AssertionError("nothing is streamed here")


def engine(docker: FakeDocker) -> ContainerEngine:
    return ContainerEngine("unix:///run/test.sock", runner=docker)


def test_values_of_variables_stay_off_the_command_line() -> None:
    """A container's variables travel in a private file, one with line breaks in the client's environment."""
    docker = FakeDocker()
    env = {"TOKEN": "s3cret", "KEY": "-----BEGIN\nline\n", "DOCKER_HOST": "tcp://docker:2376"}
    engine(docker).create(ContainerSpec(image="app", name="job", env=env))
    (command,) = docker.commands
    assert "s3cret" not in command.display()
    assert "BEGIN" not in command.display()
    assert docker.env_file == "TOKEN=s3cret\nDOCKER_HOST=tcp://docker:2376\n"
    assert docker.env_file_mode == 0o600
    assert command.env["KEY"] == "-----BEGIN\nline\n"
    assert command.env["DOCKER_HOST"] == "unix:///run/test.sock"  # the engine's, not the container's
    file = command.argv[command.argv.index("--env-file") + 1]
    assert not Path(file).exists()


def test_variable_that_would_steer_the_client_is_refused() -> None:
    """A value of several lines under a name that the docker client itself reads is an error that names it."""
    spec = ContainerSpec(image="app", name="job", env={"DOCKER_CONFIG": "a\nb"})
    with pytest.raises(ConfigurationError, match="DOCKER_CONFIG"):
        engine(FakeDocker()).create(spec)


def test_entrypoint_is_replaced_cleared_or_kept() -> None:
    """An entrypoint's further words stand before the command; an empty one clears the image's."""
    docker = FakeDocker()
    made = engine(docker)
    made.create(ContainerSpec(image="app", name="a", entrypoint=("/bin/x", "-a"), command=("sh",)))
    made.create(ContainerSpec(image="app", name="b", entrypoint=("",), command=("sh",)))
    made.create(ContainerSpec(image="app", name="c", command=("sh",)))
    replaced, cleared, kept = (command.display() for command in docker.commands)
    assert replaced.endswith("--entrypoint /bin/x app -a sh")
    assert cleared.endswith("--entrypoint '' app sh")
    assert kept.endswith("--name c app sh")


def test_removing_what_is_gone_is_fine_but_a_refusal_is_told() -> None:
    """Clean-up may run twice; what the engine really refuses is an error with its words."""
    engine(FakeDocker(exit_code=1, stderr="Error: No such container: job")).remove("job")
    with pytest.raises(RemoteError, match="has active endpoints"):
        engine(FakeDocker(exit_code=1, stderr="network x has active endpoints")).remove_network("x")


def test_inspecting_what_is_not_there_is_not_found() -> None:
    """An unknown container is NotFoundError, so callers can tell it from a broken engine."""
    with pytest.raises(NotFoundError, match="container job"):
        engine(FakeDocker(exit_code=1, stderr="No such container")).inspect("job")


def test_only_tcp_ports_are_waited_for() -> None:
    """Of what an image exposes the TCP ports count, lowest first."""
    facts = '[{"Config": {"ExposedPorts": {"2376/tcp": {}, "53/udp": {}, "2375/tcp": {}}, "Volumes": {"/data": {}}}}]'
    config = engine(FakeDocker(stdout=facts)).image_config("docker:dind")
    assert (config.tcp_ports, config.volumes) == ((2375, 2376), ("/data",))
