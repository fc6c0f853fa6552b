"""Two state directories that choose one name on one engine do not take or end each other's stack."""

from pathlib import Path

import pytest

from sledgehammer.errors import ConflictError
from sledgehammer.process import Command, Completed
from sledgehammer_localstack.config import STACK_FILE, StackConfig, save_stack
from sledgehammer_localstack.engine.find import Engine
from sledgehammer_localstack.stack import StackOptions, down
from sledgehammer_localstack.stack import up as up_function
from sledgehammer_localstack.stack.ownership import other_owner
from sledgehammer_localstack.stack.up import prepare

HOST = "unix:///nowhere/docker.sock"


class Docker:
    """An engine that has a network of the name `sledge-t`, labelled as that of `owner`; anything else is unplanned."""

    def __init__(self, owner: Path) -> None:
        self.owner = owner

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        if "network" in command.argv and "inspect" in command.argv and command.argv[-1] == "sledge-t":
            return Completed(exit_code=0, stdout=f"{self.owner}\n".encode(), stderr=b"")
        if "info" in command.argv:
            return Completed(exit_code=0, stdout=b"26.1\n", stderr=b"")
        raise AssertionError(f"unplanned: {command.display()}")

    def stream(self, command: Command, *, on_line: object) -> int:
        raise AssertionError(f"unplanned: {command.display()}")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The state directory of a stack `t` that is up."""
    directory = tmp_path / "other"
    directory.mkdir()
    (directory / STACK_FILE).write_text("{}")
    return directory


def test_up_refuses_a_name_that_another_directory_has(
    tmp_path: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before an image, a network or a registry is touched, and naming whose it is."""
    engine = Engine(docker_host=HOST, version="26.1", is_owned=False)
    monkeypatch.setitem(up_function.__globals__, "ensure_engine", lambda *_, **__: engine)
    mine = tmp_path / "mine"
    mine.mkdir()

    with pytest.raises(ConflictError, match=f"has a stack 't' already, that of {other}") as refused:
        prepare(StackOptions(state_dir=mine, name="t"), runner=Docker(other), say=print)

    assert f"down --state-dir {other}" in str(refused.value.hint)
    assert not (mine / STACK_FILE).exists()


def test_the_same_directory_by_another_path_is_no_other(other: Path, tmp_path: Path) -> None:
    """A symbolic link to the state directory leads to the same stack."""
    link = tmp_path / "link"
    link.symlink_to(other)

    assert other_owner("sledge-t", link, docker_host=HOST, runner=Docker(other)) is None
    assert other_owner("sledge-t", tmp_path, docker_host=HOST, runner=Docker(other)) == other


def test_down_leaves_what_is_anothers_by_now(tmp_path: Path, other: Path) -> None:
    """After `down` here and `up` there with the same name, a second `down` here removes nothing."""
    mine = tmp_path / "mine"
    mine.mkdir()
    save_stack(
        StackConfig(
            name="t",
            state_dir=mine,
            docker_host=HOST,
            network="sledge-t",
            subnet="10.213.0.0/24",
            gateway="10.213.0.1",
            gitlab_port=8929,
            aws_port=4566,
            registry_address="10.213.0.2:5000",
            ecr_storage_address="10.213.0.3:5000",
            mirror_address="",
            docker_version="26.1",
        )
    )
    lines: list[str] = []

    down(mine, runner=Docker(other), say=lines.append)

    assert lines == [f"the stack 't' on the engine is that of {other} now: it stays"]
