"""Manifests in a registry: looked up, read, written, removed. What is read is checked against its digest."""

import json

from sledgehammer.errors import CredentialsError, NotFoundError, RemoteError
from sledgehammer.registry.authorizer import Scope
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.failures import ImmutableTagError, RegistryRefusedError
from sledgehammer.registry.manifest import Manifest, digest_of, is_named_by
from sledgehammer.registry.media_types import ACCEPT
from sledgehammer.registry.reference import Reference, is_digest
from sledgehammer.registry.transport import Answer, Request


def find_digest(client: RegistryClient, reference: Reference) -> str | None:
    """The digest that a tag points to, None where there is no such manifest. Docker Hub counts it as no pull."""
    try:
        answer = client.send(f"HEAD {reference}", _read(client, reference, "HEAD"))
    except NotFoundError:
        return None
    except (CredentialsError, RegistryRefusedError):  # a HEAD has no body: the reason comes with a GET
        found = find_manifest(client, reference)
        return found.digest if found is not None else None
    digest = answer.headers.get("Docker-Content-Digest", "")
    return digest if is_digest(digest) else get_manifest(client, reference).digest


def find_manifest(client: RegistryClient, reference: Reference) -> Manifest | None:
    """The manifest, None where there is none."""
    try:
        return get_manifest(client, reference)
    except NotFoundError:
        return None


def get_manifest(client: RegistryClient, reference: Reference) -> Manifest:
    """The manifest. Raises NotFoundError (RepositoryAbsentError without its repository), and RemoteError where its
    bytes are not those that the digest names."""
    answer = client.send(f"GET {reference}", _read(client, reference, "GET"))
    told = answer.headers.get("Docker-Content-Digest", "")
    for digest in (reference.digest, told):
        if is_digest(digest) and not is_named_by(answer.content, digest):
            raise RemoteError(
                f"GET {reference}: the bytes from {reference.host} are not those of {digest}", hint="try again"
            )
    digest = reference.digest or (told if is_digest(told) else digest_of(answer.content))
    return Manifest(media_type=_media_type(answer), digest=digest, content=answer.content)


def put_manifest(client: RegistryClient, reference: Reference, manifest: Manifest) -> Reference:
    """Write these bytes under the reference's tag or digest; what they refer to must be there. Gives the reference
    by digest.

    A tag that points there already is as wanted, immutable or not (aws/containers-roadmap#2380). Raises
    ImmutableTagError where it points elsewhere and must not be moved.
    """
    request = Request(
        method="PUT",
        target=f"{client.path(reference)}/manifests/{reference.manifest}",
        scopes=(Scope(path=reference.path, actions=("pull", "push")),),
        headers={"Content-Type": manifest.media_type},
        body=manifest.content,
        takes=(200, 201, 202),
    )
    try:
        client.send(f"PUT {reference}", request)
    except ImmutableTagError:
        if find_digest(client, reference) != manifest.digest:
            raise
    return reference.with_digest(manifest.digest)


def delete_manifest(client: RegistryClient, reference: Reference) -> None:
    """Remove a manifest by its digest, with all its tags; one that is not there is no error. Raises
    RegistryRefusedError where the registry does not delete by this protocol, as ECR."""
    request = Request(
        method="DELETE",
        target=f"{client.path(reference)}/manifests/{reference.digest}",
        scopes=(Scope(path=reference.path, actions=("delete",)),),
        takes=(200, 202, 404),
    )
    client.send(f"DELETE {reference}", request)


def _read(client: RegistryClient, reference: Reference, method: str) -> Request:
    return Request(
        method=method,
        target=f"{client.path(reference)}/manifests/{reference.manifest}",
        scopes=(Scope(path=reference.path, actions=("pull",)),),
        headers={"Accept": ACCEPT},
    )


def _media_type(answer: Answer) -> str:
    """The manifest's own word goes before the header's, whose parameters do not count."""
    try:
        parsed = json.loads(answer.content)
    except ValueError:
        parsed = None
    own = parsed.get("mediaType") if isinstance(parsed, dict) else None
    header = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return own if isinstance(own, str) and own else header
