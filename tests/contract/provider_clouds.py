"""Both local clouds with registries that keep what is pushed, without an engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aws_rehearsal
import gitlab_rehearsal
from oci_registry import MemoryRegistry, bearer, registry_servers
from oci_storage import MemoryStorage

from sledgehammer_localstack.aws.http_server import HttpServer
from sledgehammer_localstack.gitlab.server import GitLabServer


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabCloud:
    """A GitLab with its registry."""

    url: str
    registry: MemoryRegistry
    registry_host: str


@contextmanager
def gitlab_with_registry(folder: Path) -> Iterator[GitLabCloud]:
    """The registry takes the tokens of this GitLab only."""
    registry = MemoryRegistry()
    with registry_servers() as servers, servers.serve(registry) as host:
        settings = gitlab_rehearsal.server_settings(folder, registry_address=host)
        with GitLabServer(settings) as server:
            registry.check = bearer(lambda: f"{server.url}/jwt/auth", settings.signing_key)
            yield GitLabCloud(url=server.url, registry=registry, registry_host=host)


@contextmanager
def aws_with_registry() -> Iterator[aws_rehearsal.LocalAws]:
    """ECR's bytes lie in memory."""
    with (
        HttpServer("127.0.0.1", 0, MemoryStorage()) as storage,
        aws_rehearsal.serve(ecr_storage_address=f"127.0.0.1:{storage.port}") as cloud,
    ):
        yield cloud
