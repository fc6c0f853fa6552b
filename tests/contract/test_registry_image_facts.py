"""What a registry tells of an image, plain and within an index as BuildKit pushes it with attestations."""

import json
from collections.abc import Iterator

import pytest
from oci_registry import MemoryRegistry, registry_servers

from sledgehammer.errors import NotFoundError, RemoteError
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.blobs import push_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.image_facts import read_image
from sledgehammer.registry.manifest import Manifest, make_manifest
from sledgehammer.registry.manifests import put_manifest
from sledgehammer.registry.media_types import OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from sledgehammer.registry.reference import Reference

LABELS = {"org.opencontainers.image.revision": "c0ffee"}
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


@pytest.fixture(scope="module")
def client() -> Iterator[RegistryClient]:
    with (
        registry_servers() as servers,
        servers.serve(MemoryRegistry()) as host,
        RegistryClient(RegistryAccess(host=host, is_plain_http=True)) as made,
    ):
        yield made


@pytest.fixture
def web(client: RegistryClient) -> Reference:
    return Reference(host=client.access.host, path="team/web")


def push_image(
    client: RegistryClient, web: Reference, *layers: bytes, architecture: str = "amd64", config: object = None
) -> Manifest:
    """By its digest."""
    content = {"os": "linux", "architecture": architecture, "config": {"Labels": LABELS}} if config is None else config
    pushed = push_blob(client, web, json.dumps(content).encode(), media_type=CONFIG_TYPE)
    parts = [push_blob(client, web, layer, media_type=OCI_LAYER_GZIP).document() for layer in layers]
    manifest = make_manifest(OCI_MANIFEST, {"config": pushed.document(), "layers": parts})
    put_manifest(client, web.with_digest(manifest.digest), manifest)
    return manifest


def push_index(client: RegistryClient, place: Reference, *images: tuple[Manifest, str]) -> Manifest:
    """Under the tag, the images with their platforms."""
    children = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": image.digest,
            "size": len(image.content),
            "platform": dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False)),
        }
        for image, platform in images
    ]
    index = make_manifest(OCI_INDEX, {"manifests": children})
    put_manifest(client, place, index)
    return index


def test_an_image_is_its_configuration_and_its_layers(client: RegistryClient, web: Reference) -> None:
    """Digests with sizes in order, labels and platform."""
    image = push_image(client, web, b"lower", b"upper layer")
    facts = read_image(client, web.with_digest(image.digest))

    assert image.config is not None
    assert (facts.reference.digest, facts.image_digest) == (image.digest, image.digest)
    assert facts.config_digest == image.config.digest
    assert [layer.size_bytes for layer in facts.layers] == [5, 11]
    assert (facts.size_bytes, facts.labels, facts.platform) == (16, LABELS, "linux/amd64")


def test_the_one_image_of_an_index_is_taken(client: RegistryClient, web: Reference) -> None:
    """Attestations are no images; the index keeps its own digest."""
    image, attestation = push_image(client, web, b"lower"), push_image(client, web, b"provenance")
    index = push_index(client, web.with_tag("v1"), (image, "linux/amd64"), (attestation, "unknown/unknown"))
    facts = read_image(client, web.with_tag("v1"))

    assert (facts.reference.digest, facts.image_digest) == (index.digest, image.digest)
    assert [layer.size_bytes for layer in facts.layers] == [5]


def test_of_several_platforms_one_is_named(client: RegistryClient, web: Reference) -> None:
    """Its variant need not be; without a platform, or with one that is not there, what is there is told."""
    amd, arm = push_image(client, web, b"amd"), push_image(client, web, b"arm64", architecture="arm64")
    push_index(client, web.with_tag("all"), (amd, "linux/amd64"), (arm, "linux/arm64/v8"))

    assert read_image(client, web.with_tag("all"), platform="linux/arm64").image_digest == arm.digest
    for platform in ("", "linux/s390x"):
        with pytest.raises(NotFoundError, match="it has linux/amd64, linux/arm64/v8"):
            read_image(client, web.with_tag("all"), platform=platform)


def test_an_image_may_have_no_labels(client: RegistryClient, web: Reference) -> None:
    """Docker writes null for none; a configuration may even be empty, as an artifact's."""
    for config in ({"config": {"Labels": None}}, {}):
        image = push_image(client, web, b"layer", config=config)
        facts = read_image(client, web.with_digest(image.digest))
        assert (facts.labels, facts.platform) == ({}, "")


def test_what_is_no_image_says_so(client: RegistryClient, web: Reference) -> None:
    """A manifest without a configuration, and a configuration that is a list."""
    bare = make_manifest(OCI_MANIFEST, {"layers": []})
    put_manifest(client, web.with_digest(bare.digest), bare)
    for manifest in (bare, push_image(client, web, config=[1])):
        with pytest.raises(RemoteError, match="is no image"):
            read_image(client, web.with_digest(manifest.digest))
