"""Manifests as bytes that a digest names, and what they refer to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sledgehammer.errors import RemoteError
from sledgehammer.registry.media_types import INDEXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A blob or manifest by what a manifest says of it. `platform` is such as linux/amd64, "" where none is said."""

    media_type: str
    digest: str
    size_bytes: int
    platform: str = ""

    def document(self) -> dict[str, object]:
        """As it is written in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size_bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The bytes as the registry has them: only these have that digest."""

    media_type: str
    digest: str
    content: bytes = field(repr=False)

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests."""
        return self.media_type in INDEXES

    @property
    def config(self) -> Descriptor | None:
        """An image's configuration; an index has none."""
        found = self._document().get("config")
        return _descriptor(found) if found else None

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """An image's layers, lowest first."""
        return self._list("layers")

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """What an index lists."""
        return self._list("manifests")

    def _list(self, key: str) -> tuple[Descriptor, ...]:
        found = self._document().get(key) or []
        if not isinstance(found, list):
            raise _malformed(f"{key} is not a list")
        return tuple(_descriptor(one) for one in found)

    def _document(self) -> Mapping[str, object]:
        try:
            parsed = json.loads(self.content)
        except ValueError as error:
            raise _malformed("it is not JSON") from error
        if not isinstance(parsed, dict):
            raise _malformed("it is not an object")
        return parsed


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Such as `sha256:…`."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def is_named_by(content: bytes, digest: str) -> bool:
    """Whether these bytes have that digest."""
    return digest_of(content, digest.partition(":")[0]) == digest


def make_manifest(media_type: str, document: Mapping[str, object]) -> Manifest:
    """A manifest of our own; `mediaType` and `schemaVersion` are added."""
    whole = {"schemaVersion": 2, "mediaType": media_type, **document}
    content = json.dumps(whole, separators=(",", ":")).encode()
    return Manifest(media_type=media_type, digest=digest_of(content), content=content)


def _descriptor(found: object) -> Descriptor:
    if not isinstance(found, dict) or not isinstance(found.get("digest"), str):
        raise _malformed("a descriptor has no digest")
    platform = found.get("platform")
    where = ""
    if isinstance(platform, dict):
        parts = [platform.get(key) for key in ("os", "architecture", "variant")]
        where = "/".join(str(part) for part in parts if part)
    size = found.get("size")
    return Descriptor(
        media_type=str(found.get("mediaType", "")),
        digest=found["digest"],
        size_bytes=size if isinstance(size, int) else 0,
        platform=where,
    )


def _malformed(reason: str) -> RemoteError:
    return RemoteError(f"a manifest cannot be read: {reason}", hint="push the image again")
