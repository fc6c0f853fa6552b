"""What a registry tells of a pushed image without pulling it: its configuration, labels and layers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer.errors import NotFoundError, RemoteError
from sledgehammer.registry.blobs import get_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import Descriptor, Manifest
from sledgehammer.registry.manifests import get_manifest
from sledgehammer.registry.reference import Reference

MAX_CONFIG_BYTES = 4 * 1024 * 1024

NO_PLATFORM = "unknown/unknown"
"""Of the attestations that BuildKit lists beside the images (moby/buildkit, docs/attestations)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """`reference` names what was asked for by digest, an index where there is one; the rest is of one image, layers
    lowest first with compressed sizes. Two builds made the same image when `config_digest` and layers are equal."""

    reference: Reference
    image_digest: str
    config_digest: str
    layers: tuple[Descriptor, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""  # such as linux/amd64

    @property
    def size_bytes(self) -> int:
        """What a pull of all layers moves."""
        return sum(layer.size_bytes for layer in self.layers)


def read_image(client: RegistryClient, reference: Reference, *, platform: str = "") -> ImageFacts:
    """Read manifest and configuration: two requests, three for an index. Of an index the image of `platform` is taken,
    with whatever variant; "" takes the only one. Raises NotFoundError, and RemoteError for what is no image."""
    found = get_manifest(client, reference)
    image = _choose(client, reference, found, platform) if found.is_index else found
    if image.config is None:
        raise RemoteError(f"{reference} is no image: its manifest has no configuration", hint="name an image")
    content = get_blob(client, reference, image.config.digest, max_bytes=MAX_CONFIG_BYTES)
    config = _parse(content, reference)
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    return ImageFacts(
        reference=reference.with_digest(found.digest),
        image_digest=image.digest,
        config_digest=image.config.digest,
        layers=image.layers,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
        platform="/".join(str(config[key]) for key in ("os", "architecture", "variant") if config.get(key)),
    )


def _choose(client: RegistryClient, reference: Reference, index: Manifest, platform: str) -> Manifest:
    images = [child for child in index.children if child.platform != NO_PLATFORM]
    fitting = [child for child in images if f"{child.platform}/".startswith(f"{platform}/" if platform else "")]
    if len(fitting) != 1:
        offered = ", ".join(child.platform or "one without a platform" for child in images) or "nothing"
        raise NotFoundError(
            f"{reference} is an index with {len(fitting)} images for {platform or 'any platform'}; it has {offered}",
            hint="name one of its platforms",
        )
    return get_manifest(client, reference.with_digest(fitting[0].digest))


def _parse(content: bytes, reference: Reference) -> Mapping[str, object]:
    try:
        config = json.loads(content)
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise RemoteError(f"{reference} is no image: its configuration is no JSON object", hint="name an image")
    return config
