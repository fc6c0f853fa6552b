"""Tags in a registry: listed, and set by digest without an engine."""

import json
from collections.abc import Iterator
from urllib.parse import urljoin

import requests.utils

from sledgehammer.errors import RemoteError
from sledgehammer.registry.authorizer import Scope
from sledgehammer.registry.blobs import has_blob, mount_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import Manifest
from sledgehammer.registry.manifests import get_manifest, put_manifest
from sledgehammer.registry.media_types import INDEXES, MANIFESTS
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.transport import Answer, Request

PAGE_SIZE = 1000
"""ECR takes no more (google/go-containerregistry#681)."""

_MAX_PAGES = 1000


def list_tags(client: RegistryClient, repository: Reference) -> list[str]:
    """All tags, sorted. Raises NotFoundError where the registry knows no such repository."""
    return sorted(tag for page in _pages(client, repository) for tag in page)


def tag_manifest(client: RegistryClient, source: Reference, target: Reference) -> Reference:
    """Give the source's manifest the target's tag; gives it by digest. No layer moves through this machine.

    Into another repository of the same registry its blobs are mounted first. Raises RemoteError where the registry
    does not mount, and what reading and writing raise.
    """
    manifest = get_manifest(client, source)
    if source.path != target.path:
        _bring(client, manifest, source, target)
    return put_manifest(client, target, manifest)


def _bring(client: RegistryClient, manifest: Manifest, source: Reference, target: Reference) -> None:
    """What a manifest refers to: blobs, and the manifests of an index (BuildKit's older caches list blobs there)."""
    inner = [child for child in manifest.children if child.media_type in MANIFESTS | INDEXES]
    for child in inner:
        found = get_manifest(client, source.with_digest(child.digest))
        _bring(client, found, source, target)
        put_manifest(client, target.with_digest(child.digest), found)
    config = [manifest.config] if manifest.config is not None else []
    blobs = [*config, *manifest.layers, *(child for child in manifest.children if child not in inner)]
    for digest in dict.fromkeys(blob.digest for blob in blobs):
        if not mount_blob(client, target, digest, source=source) and not has_blob(client, target, digest):
            raise RemoteError(
                f"tagging {target} as {source}: {target.host} does not mount blobs from one repository into another",
                hint="push the image there; on ECR turn on the account setting BLOB_MOUNTING",
            )


def _pages(client: RegistryClient, repository: Reference) -> Iterator[list[str]]:
    target = f"{client.path(repository)}/tags/list?n={PAGE_SIZE}"
    scopes = (Scope(path=repository.path, actions=("pull",)),)
    for _ in range(_MAX_PAGES):
        tried = f"tags of {repository.name}"
        answer = client.send(tried, Request(method="GET", target=target, scopes=scopes))
        yield _tags(answer, tried)
        links = requests.utils.parse_header_links(answer.headers.get("Link", ""))
        following = next((link["url"] for link in links if link.get("rel") == "next"), "")
        if not following:
            return
        target = urljoin(answer.url, following)
    raise RemoteError(f"tags of {repository.name}: more than {_MAX_PAGES} pages", hint="remove old tags")


def _tags(answer: Answer, tried: str) -> list[str]:
    try:
        found = json.loads(answer.content)["tags"] or []  # null in a repository whose tags are all removed
        return [str(tag) for tag in found]
    except (ValueError, KeyError, TypeError) as error:
        raise RemoteError(f"{tried}: the answer is not a list of tags", hint="is that a registry?") from error
