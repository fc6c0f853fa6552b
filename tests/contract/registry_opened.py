"""A client of a registry in memory, as the tests of the client open it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from oci_registry import MemoryRegistry, RegistryServers

from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.blobs import push_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import Manifest, make_manifest
from sledgehammer.registry.manifests import put_manifest
from sledgehammer.registry.media_types import OCI_MANIFEST
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.transport import Limits
from sledgehammer.secret import Secret
from sledgehammer.testing import FakeClock

PASSWORD = "s3cret-of-the-test"


class Open(Protocol):
    """Serve a registry, and give a client of it, the repository team/web there, and the clock that never sleeps."""

    def __call__(
        self, registry: MemoryRegistry, *, username: str = "", password: str = PASSWORD, limits: Limits | None = None
    ) -> AbstractContextManager[tuple[RegistryClient, Reference, FakeClock]]: ...


def opener(servers: RegistryServers) -> Open:
    """Serves on these servers."""

    @contextmanager
    def open_one(
        registry: MemoryRegistry, *, username: str = "", password: str = PASSWORD, limits: Limits | None = None
    ) -> Iterator[tuple[RegistryClient, Reference, FakeClock]]:
        clock = FakeClock()
        with servers.serve(registry) as host:
            secret = Secret(password, source="a test")
            access = RegistryAccess(host=host, username=username, password=secret, is_plain_http=True)
            with RegistryClient(access, clock=clock, limits=limits) as client:
                yield client, Reference(host=host, path="team/web"), clock

    return open_one


def push(client: RegistryClient, reference: Reference, *, layer: bytes = b"layer") -> Manifest:
    """An image of one layer."""
    config = push_blob(client, reference, b"{}", media_type="config")
    content = push_blob(client, reference, layer, media_type="layer")
    manifest = make_manifest(OCI_MANIFEST, {"config": config.document(), "layers": [content.document()]})
    put_manifest(client, reference, manifest)
    return manifest
