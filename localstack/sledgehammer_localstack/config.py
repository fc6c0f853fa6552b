"""What every process of one local stack knows: addresses, ports and where state lies.

`sledge stack up` writes `stack.json` (addresses, mode 0644) and `secrets.json` (mode 0600) into the state
directory before it starts a server; every server is `python -m sledgehammer_localstack.<part> --state-dir DIR`
and reads both.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sledgehammer.errors import NotFoundError
from sledgehammer.secret import Secret

STACK_FILE = "stack.json"
SECRETS_FILE = "secrets.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """Addresses of one stack. `gateway` is the host's own address on the stack's Docker bridge network: reached
    alike from the host, from containers and from containers inside docker-in-docker; GitLab and AWS listen there.
    Registry addresses are `host:port` of containers with a fixed address on that network, plain HTTP."""

    name: str
    state_dir: Path
    docker_host: str  # unix:///… of the engine that runs jobs
    network: str  # name of the Docker bridge network
    subnet: str  # 10.213.7.0/24
    gateway: str  # 10.213.7.1
    gitlab_port: int
    aws_port: int
    registry_address: str  # GitLab's registry, token authentication
    ecr_storage_address: str  # the registry behind the AWS endpoint; only the AWS endpoint talks to it
    mirror_address: str  # Docker Hub mirror for engines, anonymous; empty where Docker Hub itself is reachable
    docker_version: str  # of the docker:<v>-cli and docker:<v>-dind images, such as 26.1
    aws_account: str = "123456789012"
    aws_region: str = "eu-central-1"

    @property
    def gitlab_url(self) -> str:
        """Base URL of the GitLab server."""
        return f"http://{self.gateway}:{self.gitlab_port}"

    @property
    def aws_url(self) -> str:
        """The AWS endpoint: every service API and, under /v2/, the ECR registry."""
        return f"http://{self.gateway}:{self.aws_port}"

    @property
    def ecr_address(self) -> str:
        """Registry part of ECR repository URIs."""
        return f"{self.gateway}:{self.aws_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSecrets:
    """Credentials that `up` makes at random, once per state directory."""

    gitlab_root_token: Secret  # personal access token of the administrator `root`, scope api; glpat-…
    gitlab_runner_token: Secret  # authentication token of the instance runner; glrt-…
    registry_signing_key: Secret  # PEM, EC P-256: signs the registry's JSON web tokens
    registry_certificate: str  # PEM, self-signed over that key: what the registry trusts
    aws_access_key_id: str
    aws_secret_access_key: Secret


def save_stack(config: StackConfig) -> None:
    """Write `stack.json`, whole or not at all."""
    fields = {**asdict(config), "state_dir": str(config.state_dir)}
    unfinished = config.state_dir / f"{STACK_FILE}.new"
    unfinished.write_text(json.dumps(fields, indent=2) + "\n")
    unfinished.replace(config.state_dir / STACK_FILE)


def load_stack(state_dir: Path) -> StackConfig:
    """Read `stack.json`. Raises NotFoundError when no stack was made there."""
    path = state_dir / STACK_FILE
    if not path.exists():
        raise NotFoundError(f"no local stack in {state_dir}", hint="start one: sledge stack up")
    fields = json.loads(path.read_text())
    return StackConfig(**{**fields, "state_dir": Path(fields["state_dir"])})


def save_secrets(state_dir: Path, secrets: StackSecrets) -> None:
    """Write `secrets.json`, readable by its owner only from the first byte on, whole or not at all."""
    fields = {
        name: value.reveal() if isinstance(value := getattr(secrets, name), Secret) else value
        for name in StackSecrets.__slots__
    }
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    unfinished = state_dir / f"{SECRETS_FILE}.new"
    with os.fdopen(os.open(unfinished, flags, 0o600), "w") as file:
        json.dump(fields, file)
    unfinished.replace(state_dir / SECRETS_FILE)


def load_secrets(state_dir: Path) -> StackSecrets:
    """Read `secrets.json`."""
    path = state_dir / SECRETS_FILE
    if not path.exists():
        raise NotFoundError(f"no local stack in {state_dir}", hint="start one: sledge stack up")
    fields = json.loads(path.read_text())
    return StackSecrets(
        gitlab_root_token=Secret(fields["gitlab_root_token"], source=SECRETS_FILE),
        gitlab_runner_token=Secret(fields["gitlab_runner_token"], source=SECRETS_FILE),
        registry_signing_key=Secret(fields["registry_signing_key"], source=SECRETS_FILE),
        registry_certificate=fields["registry_certificate"],
        aws_access_key_id=fields["aws_access_key_id"],
        aws_secret_access_key=Secret(fields["aws_secret_access_key"], source=SECRETS_FILE),
    )
