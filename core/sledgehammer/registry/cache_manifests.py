"""The smallest cache that BuildKit itself could have exported, in both of its forms.

https://github.com/moby/buildkit/blob/master/cache/remotecache/v1/spec.go
"""

import gzip
import json
from dataclasses import dataclass

from sledgehammer.registry.blobs import push_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import Descriptor, Manifest, digest_of, make_manifest
from sledgehammer.registry.media_types import (
    BUILDKIT_CACHE_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
)
from sledgehammer.registry.reference import Reference

EMPTY_LAYER = gzip.compress(bytes(1024), mtime=0)
"""A tar archive with nothing in it."""

EMPTY_LAYER_ZSTD = bytes.fromhex("28b52ffd 60 0003 032000 00")
"""The same by zstd: magic, a single segment of 768 + 256 bytes, one last block that repeats one zero 1024 times (RFC
8878, 3.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyCache:
    """Its blobs, as they lie in the registry: its layer in both compressions."""

    layer: Descriptor
    zstd_layer: Descriptor
    config: Descriptor

    def as_image(self, *, mark: str, is_zstd: bool = False) -> Manifest:
        """`image-manifest=true`: an image whose configuration is the cache's. `mark` makes different ones."""
        marks = {"annotations": {"sledgehammer.preflight": mark}}
        parts = {"config": self.config.document(), "layers": [self._layer(is_zstd).document()]}
        return make_manifest(OCI_MANIFEST, {**parts, **marks})

    def as_index(self, *, is_zstd: bool = False) -> Manifest:
        """`image-manifest=false`: an index that lists layers and configuration, which are no manifests."""
        return make_manifest(OCI_INDEX, {"manifests": [self._layer(is_zstd).document(), self.config.document()]})

    def _layer(self, is_zstd: bool) -> Descriptor:
        return self.zstd_layer if is_zstd else self.layer


def push_tiny_cache(client: RegistryClient, repository: Reference) -> TinyCache:
    """Push the blobs of a cache with one empty layer; no manifest yet."""
    layer = push_blob(client, repository, EMPTY_LAYER, media_type=OCI_LAYER_GZIP)
    zstd_layer = push_blob(client, repository, EMPTY_LAYER_ZSTD, media_type=OCI_LAYER_ZSTD)
    config = {"layers": [{"blob": digest_of(EMPTY_LAYER), "parent": -1}], "records": []}
    written = push_blob(client, repository, json.dumps(config).encode(), media_type=BUILDKIT_CACHE_CONFIG)
    return TinyCache(layer=layer, zstd_layer=zstd_layer, config=written)
