"""What `sledge stack` asks for and prints, without an engine."""

import shlex
import stat
from pathlib import Path

import pytest

from sledgehammer.cli.main import main
from sledgehammer.errors import ConfigurationError, ConflictError
from sledgehammer_localstack.command import environment_text, runner_instructions
from sledgehammer_localstack.config import SECRETS_FILE, StackConfig, save_stack
from sledgehammer_localstack.stack.credentials import ensure_secrets
from sledgehammer_localstack.stack.lock import state_lock
from sledgehammer_localstack.stack.options import StackOptions, default_state_dir


@pytest.fixture
def config(tmp_path: Path) -> StackConfig:
    """A stack that was up once."""
    made = StackConfig(
        name="t",
        state_dir=tmp_path,
        docker_host="unix:///nowhere/docker.sock",
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
    save_stack(made)
    return made


def test_credentials_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    """A second `up` keeps the tokens that users have put into their shells."""
    made = ensure_secrets(tmp_path)

    assert ensure_secrets(tmp_path) == made
    assert stat.S_IMODE((tmp_path / SECRETS_FILE).stat().st_mode) == 0o600
    assert made.gitlab_root_token.reveal().startswith("glpat-")
    assert made.gitlab_runner_token.reveal().startswith("glrt-")
    assert "BEGIN CERTIFICATE" in made.registry_certificate


def test_env_gives_lines_for_a_shell(config: StackConfig) -> None:
    """Every client finds its endpoint and its credential."""
    secrets = ensure_secrets(config.state_dir)

    words = shlex.split(environment_text(config))

    assert words.count("export") == 6
    assert "GITLAB_URL=http://10.213.0.1:8929" in words
    assert f"GITLAB_TOKEN={secrets.gitlab_root_token.reveal()}" in words
    assert "AWS_ENDPOINT_URL=http://10.213.0.1:4566" in words
    assert "AWS_DEFAULT_REGION=eu-central-1" in words


def test_a_runner_of_ones_own_is_told_all_that_ours_knows(config: StackConfig) -> None:
    """The token by the environment, never by an argument; the stack's network, and the registries for dockerd."""
    token = ensure_secrets(config.state_dir).gitlab_runner_token.reveal()

    sentence, command = runner_instructions(config).strip().split("\n", 1)
    words = shlex.split(command)

    assert config.gitlab_url in sentence
    assert words[:3] == [f"CI_SERVER_TOKEN={token}", "gitlab-runner", "register"]
    assert words[words.index("--docker-network-mode") + 1] == "sledge-t"
    assert f"{config.state_dir}/engine/dind-daemon.json:/etc/docker/daemon.json:ro" in words
    assert not any(token in word for word in words[1:])


@pytest.mark.parametrize("action", ["status", "env"])
def test_no_stack_is_said_in_one_sentence(action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 5 and the command that starts one."""
    assert main(["stack", action, "--state-dir", str(tmp_path / "none")]) == 5

    assert "sledge stack up" in capsys.readouterr().err


def test_down_of_nothing_is_fine(tmp_path: Path) -> None:
    """Neither a fault nor an empty directory comes of it."""
    assert main(["stack", "down", "--state-dir", str(tmp_path / "none")]) == 0

    assert not (tmp_path / "none").exists()


def test_one_command_at_a_time(tmp_path: Path) -> None:
    """Two `up` on one state directory would start everything twice."""
    with state_lock(tmp_path), pytest.raises(ConflictError, match="another command"), state_lock(tmp_path):
        pass

    with state_lock(tmp_path):  # free again
        pass


def test_the_default_state_directory_follows_the_xdg_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative XDG_STATE_HOME is to be ignored, says the specification."""
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert default_state_dir("default") == Path("/x/sledgehammer/default")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/u")
    assert default_state_dir("two") == Path("/home/u/.local/state/sledgehammer/two")


@pytest.mark.parametrize("name", ["", "Upper", "-x", "a b", "x" * 31])
def test_names_that_docker_could_not_take_are_refused(name: str) -> None:
    """A stack's name becomes part of names of containers and networks."""
    with pytest.raises(ConfigurationError, match="cannot be named"):
        StackOptions(state_dir=Path("/s"), name=name)


def test_reset_refuses_a_folder_that_is_no_stacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped --state-dir deletes nothing and says what is in the way."""
    (tmp_path / "thesis.tex").write_text("years of work")

    assert main(["stack", "reset", "--state-dir", str(tmp_path)]) == ConflictError.exit_code

    assert "thesis.tex" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
