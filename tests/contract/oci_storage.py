"""A registry in memory, as far as ECR's storage is used: blobs by upload, manifests by digest."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BLOB = re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>sha256:.+)")
_UPLOAD = re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<id>.*)")
_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<digest>.+)")


class MemoryStorage:
    """A WSGI application; `requests` are the methods and paths it saw."""

    def __init__(self) -> None:
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.requests: list[str] = []

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        self.requests.append(f"{request.method} {request.full_path.rstrip('?')}")
        return self._answer(request, _body(request))(environ, start_response)

    def _answer(self, request: Request, body: bytes) -> Response:
        if found := _UPLOAD.fullmatch(request.path):
            return self._upload(request, found["name"], found["id"], body)
        if found := _BLOB.fullmatch(request.path):
            content = self.blobs.get((found["name"], found["digest"]))
            return Response(status=404) if content is None else _octets(content, request)
        found = _MANIFEST.fullmatch(request.path)
        assert found is not None
        missing = [
            part["digest"]
            for part in [json.loads(body).get("config"), *json.loads(body).get("layers", [])]
            if part is not None and (found["name"], part["digest"]) not in self.blobs
        ]
        if missing:
            errors = [{"code": "MANIFEST_BLOB_UNKNOWN", "detail": digest} for digest in missing]
            return Response(json.dumps({"errors": errors}), 400, content_type="application/json")
        self.manifests[found["name"], found["digest"]] = body
        return Response(status=201)

    def _upload(self, request: Request, name: str, upload: str, body: bytes) -> Response:
        if request.method == "POST":
            upload = uuid.uuid4().hex
            self.uploads[upload] = b""
        elif request.method == "PATCH":
            self.uploads[upload] += body
        else:
            content, digest = self.uploads.pop(upload) + body, request.args["digest"]
            assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
            self.blobs[name, digest] = content
            location = f"{request.host_url}v2/{name}/blobs/{digest}"
            return Response(status=201, headers={"Location": location, "Docker-Content-Digest": digest})
        size = len(self.uploads[upload])
        location = f"{request.host_url}v2/{name}/blobs/uploads/{upload}?_state=s{size}"
        headers = {"Location": location, "Range": f"0-{max(size - 1, 0)}", "Docker-Upload-UUID": upload}
        return Response(status=202, headers=headers)


def _octets(content: bytes, request: Request) -> Response:
    if request.range and request.range.ranges[0][1] is None:
        start = request.range.ranges[0][0]
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        return Response(content[start:], 206, headers=headers, content_type="application/octet-stream")
    return Response(content, content_type="application/octet-stream")


def _body(request: Request) -> bytes:
    stream: Any = request.environ["wsgi.input"]
    if "chunked" not in request.headers.get("Transfer-Encoding", ""):
        return request.get_data()
    parts = []
    while part := stream.read(65536):
        parts.append(part)
    return b"".join(parts)
