"""The server as the process that a stack starts."""

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import requests
from gitlab_local import ROOT, RUNNER, settings_in

from sledgehammer.secret import Secret
from sledgehammer_localstack.config import StackConfig, StackSecrets, save_secrets, save_stack


def _stack(state_dir: Path) -> StackConfig:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = StackConfig(
        name="test",
        state_dir=state_dir,
        docker_host="unix:///nowhere",
        network="none",
        subnet="127.0.0.0/8",
        gateway="127.0.0.1",
        gitlab_port=port,
        aws_port=1,
        registry_address="127.0.0.1:2",
        ecr_storage_address="127.0.0.1:3",
        mirror_address="",
        docker_version="26.1",
    )
    save_stack(config)
    secrets = StackSecrets(
        gitlab_root_token=Secret(ROOT),
        gitlab_runner_token=Secret(RUNNER),
        registry_signing_key=settings_in(state_dir).signing_key,
        registry_certificate="",
        aws_access_key_id="",
        aws_secret_access_key=Secret(""),
    )
    save_secrets(state_dir, secrets)
    return config


def _start(state_dir: Path) -> subprocess.Popen[str]:
    argv = (sys.executable, "-m", "sledgehammer_localstack.gitlab", "--state-dir", str(state_dir))
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)


def test_it_serves_the_stacks_address_and_ends_on_sigterm(tmp_path: Path) -> None:
    """Health, the stack's root token, links with the stack's URL; exit code 0, and no token in its log."""
    config = _stack(tmp_path)
    with _start(tmp_path) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert config.gitlab_url in line, line + process.stderr.read()
        assert requests.get(f"{config.gitlab_url}/-/health", timeout=10).status_code == 200
        headers = {"PRIVATE-TOKEN": ROOT}
        user = requests.get(f"{config.gitlab_url}/api/v4/user", headers=headers, timeout=10).json()
        assert user["web_url"] == f"{config.gitlab_url}/root"
        process.terminate()
        rest = process.stderr.read()
    assert process.returncode == 0
    assert ROOT not in line + rest
    database = tmp_path / "gitlab" / "gitlab.sqlite3"
    assert ROOT.encode() not in database.read_bytes()


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """No traceback; the address is named."""
    config = _stack(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        save_stack(replace(config, gitlab_port=port))
        with _start(tmp_path) as process:
            assert process.stderr is not None
            said = process.stderr.read()
    assert process.returncode != 0
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_no_stack_is_one_sentence(tmp_path: Path) -> None:
    """The hint says how to make one."""
    with _start(tmp_path) as process:
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 5
    assert "sledge stack up" in said
