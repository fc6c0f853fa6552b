"""What the AWS endpoint is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.engine.buildx_files import client_files


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """`address` is the `host:port` that clients and containers use, part of repository URIs; empty: where the
    server listens. `builds_at_once` is the account's concurrency; five times as many may wait (CodeBuild quotas:
    https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html)."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    address: str = ""
    account: str = "123456789012"
    region: str = "eu-central-1"
    ecr_storage_address: str = ""  # host:port of the registry that holds ECR's bytes; empty: no /v2/
    builds_at_once: int = 2
    minute_s: float = 60.0  # how long a minute of a build's timeouts lasts; tests shorten it


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Where builds run as containers. `dind_daemon_file` becomes /etc/docker/daemon.json in each of them,
    `client_files` are files of this machine by their path there."""

    docker_host: str
    network: str
    stack: str
    dind_daemon_file: Path
    client_files: Mapping[str, Path]


def settings_of_stack(config: StackConfig) -> AwsSettings:
    """The endpoint's settings within a stack."""
    return AwsSettings(
        host=config.gateway,
        port=config.aws_port,
        address=config.ecr_address,
        account=config.aws_account,
        region=config.aws_region,
        ecr_storage_address=config.ecr_storage_address,
    )


def engine_of_stack(config: StackConfig) -> EngineSettings:
    """The engine builds run on within a stack."""
    return EngineSettings(
        docker_host=config.docker_host,
        network=config.network,
        stack=config.name,
        dind_daemon_file=config.state_dir / "engine" / "dind-daemon.json",
        client_files=client_files(config.state_dir),
    )
