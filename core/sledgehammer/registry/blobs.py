"""Blobs in a registry: small ones read and written whole, any size mounted from a repository beside it."""

from urllib.parse import urljoin, urlsplit

from sledgehammer.errors import NotFoundError, RemoteError, SledgehammerError
from sledgehammer.registry.authorizer import Scope
from sledgehammer.registry.client import RegistryClient, Send
from sledgehammer.registry.manifest import Descriptor, digest_of, is_named_by
from sledgehammer.registry.media_types import OCTETS
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.transport import Answer, Request

MAX_BLOB_BYTES = 16 * 1024 * 1024


def has_blob(client: RegistryClient, repository: Reference, digest: str) -> bool:
    """Whether the repository holds it."""
    request = Request(
        method="HEAD",
        target=f"{client.path(repository)}/blobs/{digest}",
        scopes=(Scope(path=repository.path, actions=("pull",)),),
    )
    try:
        client.send(f"HEAD blob {repository.name}@{digest}", request)
    except NotFoundError:
        return False
    return True


def get_blob(client: RegistryClient, repository: Reference, digest: str, *, max_bytes: int = MAX_BLOB_BYTES) -> bytes:
    """A blob's bytes, checked. Raises NotFoundError, and RemoteError where it is larger than `max_bytes` or other bytes
    come."""
    tried = f"GET blob {repository.name}@{digest}"
    request = Request(
        method="GET",
        target=f"{client.path(repository)}/blobs/{digest}",
        scopes=(Scope(path=repository.path, actions=("pull",)),),
        max_bytes=max_bytes,
    )
    content = client.send(tried, request).content
    if not is_named_by(content, digest):
        raise RemoteError(f"{tried}: the bytes from {repository.host} are others", hint="try again")
    return content


def push_blob(client: RegistryClient, repository: Reference, content: bytes, *, media_type: str) -> Descriptor:
    """Write a blob unless it is there, in one piece: ECR drops later ones (aws/containers-roadmap#2831).

    An upload that broke is begun anew: its place does not survive.
    """
    digest = digest_of(content)
    scopes = (Scope(path=repository.path, actions=("pull", "push")),)

    def once(send: Send) -> None:
        begin = f"{client.path(repository)}/blobs/uploads/"
        begun = send(Request(method="POST", target=begin, scopes=scopes, takes=(202,)))
        place = upload_place(begun, digest)
        headers = {"Content-Type": OCTETS}
        send(Request(method="PUT", target=place, scopes=scopes, headers=headers, body=content, takes=(201, 204)))

    if not has_blob(client, repository, digest):
        client.call(f"push of blob {repository.name}@{digest}", once)
    return Descriptor(media_type=media_type, digest=digest, size_bytes=len(content))


def mount_blob(client: RegistryClient, repository: Reference, digest: str, *, source: Reference) -> bool:
    """Have the registry take a blob over from another of its repositories; whether it did.

    Where it offers an upload instead, that is called off.
    """
    both = (
        Scope(path=repository.path, actions=("pull", "push")),  # the first, for some look at no other
        Scope(path=source.path, actions=("pull",)),
    )
    target = f"{client.path(repository)}/blobs/uploads/?mount={digest}&from={source.path}"
    request = Request(method="POST", target=target, scopes=both, takes=(201, 202))
    answer = client.send(f"mount of blob {source.name}@{digest} into {repository.name}", request)
    if answer.status == 202:
        _call_off(client, answer, both)
    return answer.status == 201


def upload_place(begun: Answer, digest: str) -> str:
    """Where the bytes go: the Location as the registry gave it, with the digest added to its query."""
    location = urljoin(begun.url, begun.headers.get("Location", ""))
    return f"{location}{'&' if urlsplit(location).query else '?'}digest={digest}"


def _call_off(client: RegistryClient, begun: Answer, scopes: tuple[Scope, ...]) -> None:
    location = urljoin(begun.url, begun.headers.get("Location", ""))
    request = Request(method="DELETE", target=location, scopes=scopes, takes=(200, 202, 204, 400, 404, 405))
    try:
        client.send("calling off an upload", request)
    except SledgehammerError:
        return  # it runs out by itself
