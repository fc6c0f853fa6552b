"""The local GitLab of the benchmark."""

from multiprocessing.connection import Connection
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sledgehammer.secret import Secret
from sledgehammer_bench.provisioning.server import until_told
from sledgehammer_localstack.gitlab.server import GitLabServer
from sledgehammer_localstack.gitlab.settings import GitLabSettings

TOKEN = "glpat-benchmark"  # noqa: S105 - of a server that lives for this benchmark


def serve_gitlab(folder: Path, control: Connection) -> None:
    """A GitLab without projects that keeps its state there."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings = GitLabSettings(
        state_dir=folder,
        root_token=Secret(TOKEN),
        runner_token=Secret("glrt-benchmark"),
        signing_key=Secret(key.decode()),
    )
    with GitLabServer(settings) as server:
        until_told(server.url, control)
