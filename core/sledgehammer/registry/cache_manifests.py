"""The smallest cache that BuildKit itself could have exported, in both of its forms.

https://github.com/moby/buildkit/blob/master/cache/remotecache/v1/spec.go
"""

import gzip
import json
from dataclasses import dataclass

from sledgehammer.registry.blobs import push_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import Descriptor, Manifest, digest_of, make_manifest
from sledgehammer.registry.media_types import BUILDKIT_CACHE_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from sledgehammer.registry.reference import Reference

EMPTY_LAYER = gzip.compress(bytes(1024), mtime=0)
"""A tar archive with nothing in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyCache:
    """Its blobs, as they lie in the registry."""

    layer: Descriptor
    config: Descriptor

    def as_image(self, *, mark: str) -> Manifest:
        """`image-manifest=true`: an image whose configuration is the cache's. `mark` makes different ones."""
        marks = {"annotations": {"sledgehammer.preflight": mark}}
        parts = {"config": self.config.document(), "layers": [self.layer.document()]}
        return make_manifest(OCI_MANIFEST, {**parts, **marks})

    def as_index(self) -> Manifest:
        """`image-manifest=false`: an index that lists layers and configuration, which are no manifests."""
        return make_manifest(OCI_INDEX, {"manifests": [self.layer.document(), self.config.document()]})


def push_tiny_cache(client: RegistryClient, repository: Reference) -> TinyCache:
    """Push the blobs of a cache with one empty layer; no manifest yet."""
    layer = push_blob(client, repository, EMPTY_LAYER, media_type=OCI_LAYER_GZIP)
    config = {"layers": [{"blob": digest_of(EMPTY_LAYER), "parent": -1}], "records": []}
    content = json.dumps(config).encode()
    return TinyCache(layer=layer, config=push_blob(client, repository, content, media_type=BUILDKIT_CACHE_CONFIG))
