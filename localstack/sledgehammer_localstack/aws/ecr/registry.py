"""The OCI registry of ECR under /v2/: who may, which repository, tags and manifests here; bytes in the storage.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md; what ECR does differently:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registries.html, no mounts, no deletion by this protocol.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from sledgehammer_localstack.aws.access.decision import Need
from sledgehammer_localstack.aws.access.gatekeeper import Gatekeeper
from sledgehammer_localstack.aws.access.registry_needs import registry_action
from sledgehammer_localstack.aws.ecr.manifest import INDEX_TYPES, MAX_BYTES, Manifest, ManifestError, parse_manifest
from sledgehammer_localstack.aws.ecr.repositories import Repositories
from sledgehammer_localstack.aws.ecr.repository import Image, Repository, TagIsImmutableError
from sledgehammer_localstack.aws.ecr.storage import CHUNK_BYTES, Storage, StorageRefusedError
from sledgehammer_localstack.aws.ecr.tokens import RegistryTokens, TokenRefusedError

_PATH = re.compile(r"/v2/(?P<name>[^?]+?)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>.*)")
_SENT_ON = ("Content-Type", "Content-Length", "Content-Range", "Range", "Accept", "If-None-Match")
_SENT_BACK = {
    "content-type",
    "content-length",
    "content-range",
    "accept-ranges",
    "docker-content-digest",
    "docker-upload-uuid",
    "etag",
    "range",
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MAX_PAGE = 1000


class _RegistryError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Response(
            json.dumps({"errors": [{"code": code, "message": message}]}), status, content_type="application/json"
        )


class Registry:
    """Answers requests whose path begins with /v2/."""

    def __init__(
        self,
        repositories: Repositories,
        tokens: RegistryTokens,
        storage: Storage,
        gatekeeper: Gatekeeper,
        *,
        registry_id: str,
        now: Callable[[], datetime],
    ) -> None:
        self._repositories = repositories
        self._tokens = tokens
        self._storage = storage
        self._gatekeeper = gatekeeper
        self._registry_id = registry_id
        self._now = now

    def answer(self, request: Request) -> Response:
        """The answer; a body that nobody read is read to its end, so that the connection stays usable."""
        try:
            response = self._answer(request)
        except _RegistryError as error:
            response = error.answer
            for _ in _chunks(request):
                continue
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        return response

    def _answer(self, request: Request) -> Response:
        try:
            holder = self._tokens.holder(request.headers.get("Authorization", ""))
        except TokenRefusedError as unknown:
            error = _RegistryError(401, "UNAUTHORIZED", str(unknown))
            error.answer.headers["WWW-Authenticate"] = f'Basic realm="{request.host_url}",service="ecr.amazonaws.com"'
            raise error from unknown
        if request.path == "/v2/":
            return Response("{}", content_type="application/json")
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise _RegistryError(405, "UNSUPPORTED", f"ECR has no {request.method} {request.path}")
        action = registry_action(request.method, found["kind"], found["rest"])
        need = Need(action=action, resources=(self._repositories.arn(found["name"]),))
        if refused := self._gatekeeper.refusal(holder, [need]):
            raise _RegistryError(403, "DENIED", refused)
        repository = self._repositories.find(found["name"])
        if repository is None:
            message = (
                f"The repository with name '{found['name']}' does not exist in the registry with id "
                f"'{self._registry_id}'"
            )
            raise _RegistryError(404, "NAME_UNKNOWN", message)
        match found["kind"]:
            case "manifests":
                return self._manifest(repository, found["rest"], request)
            case "tags":
                return _tags(repository, request)
            case "referrers":
                return _referrers(repository, found["rest"])
            case _:
                return self._blob(repository, found["rest"], request)

    def _manifest(self, repository: Repository, reference: str, request: Request) -> Response:
        if request.method == "PUT":
            return self._put_manifest(repository, reference, request)
        if request.method not in ("GET", "HEAD"):
            raise _RegistryError(405, "UNSUPPORTED", "ECR deletes images by BatchDeleteImage only")
        image = repository.find(reference)
        if image is None:
            raise _RegistryError(404, "MANIFEST_UNKNOWN", "Requested image not found")
        response = Response(image.manifest.body, content_type=image.manifest.media_type)
        response.headers["Docker-Content-Digest"] = image.manifest.digest
        response.set_etag(image.manifest.digest)
        return response.make_conditional(request.environ)

    def _put_manifest(self, repository: Repository, reference: str, request: Request) -> Response:
        manifest = _read_manifest(request)
        is_digest = _DIGEST.fullmatch(reference) is not None
        if is_digest and reference != manifest.digest:
            raise _RegistryError(400, "DIGEST_INVALID", f"the manifest's digest is {manifest.digest}")
        if missing := [child for child in manifest.children if child not in repository.images]:
            message = f"Images with digests {', '.join(missing)} required for pushing into '{repository.name}'"
            raise _RegistryError(404, "MANIFEST_UNKNOWN", f"{message} do not exist")
        try:
            repository.check_tag("" if is_digest else reference)
            self._storage.put_manifest(repository.storage_name, manifest)
            repository.put(manifest, tag="" if is_digest else reference, now=self._now())
        except TagIsImmutableError as error:
            raise _RegistryError(400, "TAG_INVALID", str(error)) from error
        except StorageRefusedError as error:
            return Response(error.body, error.status, content_type="application/json")
        response = Response(status=201)
        response.headers["Location"] = f"/v2/{repository.name}/manifests/{manifest.digest}"
        response.headers["Docker-Content-Digest"] = manifest.digest
        if manifest.subject:
            response.headers["OCI-Subject"] = manifest.subject
        return response

    def _blob(self, repository: Repository, rest: str, request: Request) -> Response:
        if request.method == "DELETE" and not rest.startswith("uploads/"):
            raise _RegistryError(405, "UNSUPPORTED", "ECR deletes images by BatchDeleteImage only")
        query = request.query_string.decode()
        if "mount" in request.args:
            query = ""  # BLOB_MOUNTING is off unless the account turns it on: the client gets an upload
        path = f"/v2/{repository.storage_name}/blobs/{rest}" + (f"?{query}" if query else "")
        headers = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
        has_body = request.method in ("POST", "PUT", "PATCH")
        answer = self._storage.forward(
            request.method, path, headers=headers, body=_chunks(request) if has_body else None
        )
        kept = {name: value for name, value in answer.headers.items() if name.lower() in _SENT_BACK}
        if location := answer.headers.get("Location"):
            kept["Location"] = _ours(location, repository)
        if request.method == "HEAD":
            answer.body.close()
            return Response(status=answer.status, headers=kept)
        return Response(answer.body, answer.status, headers=kept, direct_passthrough=True)


def _read_manifest(request: Request) -> Manifest:
    body = b""
    for chunk in _chunks(request):
        body += chunk
        if len(body) > MAX_BYTES:
            raise _RegistryError(413, "SIZE_INVALID", f"a manifest is at most {MAX_BYTES} bytes")
    try:
        return parse_manifest(body, request.headers.get("Content-Type", ""))
    except ManifestError as error:
        raise _RegistryError(400, "MANIFEST_INVALID", str(error)) from error


def _chunks(request: Request) -> Iterator[bytes]:
    """The request's body as it comes: by its Content-Length, or chunked (the server undoes the chunks)."""
    stream: Any = request.environ["wsgi.input"]
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
        return
    left = request.content_length or 0
    while left and (chunk := stream.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)
        yield chunk


def _tags(repository: Repository, request: Request) -> Response:
    size = request.args.get("n", default=_MAX_PAGE, type=int)
    last = request.args.get("last", "")
    if not 1 <= size <= _MAX_PAGE:
        raise _RegistryError(400, "PAGINATION_NUMBER_INVALID", f"n is between 1 and {_MAX_PAGE}")
    tags = [tag for tag in sorted(repository.tags) if tag > last]
    response = Response(json.dumps({"name": repository.name, "tags": tags[:size]}), content_type="application/json")
    if len(tags) > size:
        response.headers["Link"] = f'</v2/{repository.name}/tags/list?n={size}&last={tags[size - 1]}>; rel="next"'
    return response


def _referrers(repository: Repository, digest: str) -> Response:
    found = [image for image in repository.images.values() if image.manifest.subject == digest]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": [_descriptor(image) for image in found]}
    return Response(json.dumps(index), content_type=INDEX_TYPES[0])


def _descriptor(image: Image) -> dict[str, object]:
    manifest = image.manifest
    entry = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.body)}
    return entry | ({"artifactType": manifest.artifact_type} if manifest.artifact_type else {})


def _ours(location: str, repository: Repository) -> str:
    """A Location of the storage as one of this registry."""
    parts = urlsplit(location)
    path = parts.path.replace(f"/v2/{repository.storage_name}/", f"/v2/{repository.name}/", 1)
    return path + (f"?{parts.query}" if parts.query else "")
