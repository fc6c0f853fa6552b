"""What a manifest says about itself: its type, its size, what it needs to be there.

https://github.com/opencontainers/image-spec/blob/main/manifest.md, …/image-index.md
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 4 * 1024 * 1024
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_LISTED_TYPES = (
    *INDEX_TYPES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class ManifestError(Exception):
    """A body that is no manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`children` are the manifests of an index; `size_bytes` is what config and layers weigh, 0 for an index."""

    digest: str
    media_type: str
    body: bytes
    size_bytes: int
    children: tuple[str, ...]
    subject: str
    artifact_type: str


def parse_manifest(body: bytes, content_type: str) -> Manifest:
    """Raises ManifestError for what is no JSON object or contradicts its Content-Type."""
    try:
        document: Any = json.loads(body)
    except ValueError as error:
        raise ManifestError(f"manifest invalid: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError("manifest invalid: no JSON object")
    sent = content_type.partition(";")[0].strip()
    media_type = document.get("mediaType") or sent
    if not media_type or (sent and sent != media_type):
        raise ManifestError(f"manifest invalid: sent as {sent}, but says it is {media_type}")
    is_index = media_type in INDEX_TYPES
    if is_index:
        _check_listed(document.get("manifests") or [])
    parts = [] if is_index else [document.get("config") or {}, *(document.get("layers") or [])]
    config_type = (document.get("config") or {}).get("mediaType", "")
    return Manifest(
        digest=f"sha256:{hashlib.sha256(body).hexdigest()}",
        media_type=media_type,
        body=body,
        size_bytes=sum(int(part.get("size", 0)) for part in parts),
        children=tuple(str(child.get("digest")) for child in document.get("manifests") or []) if is_index else (),
        subject=(document.get("subject") or {}).get("digest", ""),
        artifact_type=document.get("artifactType") or config_type,
    )


def _check_listed(children: list[Any]) -> None:
    """BuildKit's caches that are an index list layers, which ECR answers with 400 (aws/containers-roadmap#876)."""
    for child in children:
        if child.get("mediaType", _LISTED_TYPES[0]) not in _LISTED_TYPES:
            raise ManifestError(f"manifest invalid: an index lists manifests, not {child['mediaType']}")
