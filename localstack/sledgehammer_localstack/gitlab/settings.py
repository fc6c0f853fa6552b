"""What a GitLab server needs to know before it starts."""

from dataclasses import dataclass
from pathlib import Path

from sledgehammer.secret import Secret
from sledgehammer_localstack.config import StackConfig, StackSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabSettings:
    """Addresses, places and first credentials. `port` 0 takes a free one; `external_url` "" means the bound one."""

    state_dir: Path  # database, repositories, traces and artifacts
    root_token: Secret  # personal access token of the administrator `root`
    runner_token: Secret  # authentication token of the instance runner
    signing_key: Secret  # PEM, EC P-256: signs the registry's tokens
    host: str = "127.0.0.1"
    port: int = 0
    external_url: str = ""
    registry_address: str = "127.0.0.1:5000"
    rate_limit_per_minute: int = 0  # requests per caller; 0 limits nobody
    silent_runner_s: float = 600.0  # a running job unheard of for so long is failed
    delays_deletion: bool = False  # a deleted project stays, under another path, as GitLab has it since 18
    long_poll_s: float = 5.0  # how long a job request may wait for work


def settings_of_stack(config: StackConfig, secrets: StackSecrets) -> GitLabSettings:
    """The settings of the server that belongs to a stack."""
    return GitLabSettings(
        state_dir=config.state_dir / "gitlab",
        root_token=secrets.gitlab_root_token,
        runner_token=secrets.gitlab_runner_token,
        signing_key=secrets.registry_signing_key,
        host=config.gateway,
        port=config.gitlab_port,
        external_url=config.gitlab_url,
        registry_address=config.registry_address,
    )
