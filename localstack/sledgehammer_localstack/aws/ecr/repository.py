"""One ECR repository: its settings, its images and its tags."""

import fnmatch
import threading
from dataclasses import dataclass, field
from datetime import datetime

from sledgehammer_localstack.aws.ecr.manifest import Manifest
from sledgehammer_localstack.aws.services import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A manifest that was pushed."""

    manifest: Manifest
    pushed: datetime


class TagIsImmutableError(Exception):
    """The tag exists already and may not move."""


@dataclass(kw_only=True)
class Repository:
    """`storage_name` is the path of its blobs in the registry behind: new for each life, so that a repository
    made again under an old name is empty. `settings` are the members of the API's Repository that may change.
    """

    name: str
    arn: str
    uri: str
    registry_id: str
    created: datetime
    storage_name: str
    settings: Document
    resource_tags: dict[str, str] = field(default_factory=dict)
    policy: str = ""
    lifecycle_policy: str = ""
    images: dict[str, Image] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)  # to digests

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    def document(self) -> Document:
        """As the API describes it."""
        return {
            "repositoryArn": self.arn,
            "registryId": self.registry_id,
            "repositoryName": self.name,
            "repositoryUri": self.uri,
            "createdAt": self.created,
            **self.settings,
        }

    def check_tag(self, tag: str) -> None:
        """Raises TagIsImmutableError when the tag exists and may not be pushed again, not even with the same
        digest (aws/containers-roadmap#2380)."""
        if tag in self.tags and self._is_immutable(tag):
            raise TagIsImmutableError(
                f"The image tag '{tag}' already exists in the '{self.name}' repository "
                "and cannot be overwritten because the tag is immutable."
            )

    def put(self, manifest: Manifest, *, tag: str, now: datetime) -> None:
        """Keep a manifest; the tag, if any, points at it from now on. Raises TagIsImmutableError."""
        with self._lock:
            if tag:
                self.check_tag(tag)
                self.tags[tag] = manifest.digest
            self.images.setdefault(manifest.digest, Image(manifest=manifest, pushed=now))

    def find(self, reference: str) -> Image | None:
        """The image of a tag or a digest."""
        return self.images.get(self.tags.get(reference, reference))

    def tags_of(self, digest: str) -> list[str]:
        """Its tags, sorted."""
        return sorted(tag for tag, target in self.tags.items() if target == digest)

    def untag(self, tag: str) -> None:
        """Take a tag away; an image whose last tag that was goes with it (BatchDeleteImage reference)."""
        with self._lock:
            digest = self.tags.pop(tag)
            if not self.tags_of(digest):
                del self.images[digest]

    def delete(self, digest: str) -> None:
        """Remove an image and all its tags."""
        with self._lock:
            del self.images[digest]
            self.tags = {tag: target for tag, target in self.tags.items() if target != digest}

    def parents_of(self, digest: str) -> list[str]:
        """The indexes that need an image."""
        return [one.manifest.digest for one in self.images.values() if digest in one.manifest.children]

    def size_of(self, image: Image) -> int:
        """Bytes as DescribeImages tells them: of an index, those of its largest image."""
        if not image.manifest.children:
            return image.manifest.size_bytes
        children = [self.images[child] for child in image.manifest.children if child in self.images]
        return max((self.size_of(child) for child in children), default=0)

    def _is_immutable(self, tag: str) -> bool:
        mode = self.settings["imageTagMutability"]
        filters = self.settings.get("imageTagMutabilityExclusionFilters", [])
        is_excluded = any(fnmatch.fnmatchcase(tag, one["filter"]) for one in filters)
        return bool(mode.startswith("IMMUTABLE")) is not (mode.endswith("_WITH_EXCLUSION") and is_excluded)
