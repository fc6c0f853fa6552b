"""A registry in memory that is asked as clients ask: with challenges, tags, mounts, paging, redirects and refusals."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from werkzeug.wrappers import Request, Response

from sledgehammer.secret import Secret
from sledgehammer_localstack.aws.http_server import HttpServer
from sledgehammer_localstack.fault_middleware import FaultMiddleware, GitLabDialect
from sledgehammer_localstack.faults import FaultScript, parse_rule

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BLOB = re.compile(r"/v2/(?P<name>.+)/blobs/(?P<rest>sha256:[0-9a-f]+)")
_UPLOAD = re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<rest>.*)")
_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<rest>.+)")
_TAGS = re.compile(r"/v2/(?P<name>.+)/tags/(?P<rest>list)")

Check = Callable[[Request, str, str], Response | None]
"""Of a request, its repository and its action: what is answered instead."""


@dataclass(kw_only=True)
class MemoryRegistry:
    """A WSGI application. `seen` are method, path with query, and Authorization of each request."""

    check: Check = lambda request, name, action: None
    deletes: bool = True
    mounts: bool = True
    blob_host: str = ""  # blobs are redirected there
    refused_types: tuple[str, ...] = ()
    immutable: set[str] = field(default_factory=set)
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    uploads: set[str] = field(default_factory=set)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    faults: FaultScript = field(default_factory=FaultScript)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data()
        self.seen.append((request.method, request.full_path.rstrip("?"), request.headers.get("Authorization", "")))
        return self._answer(request, body)(environ, start_response)

    def fault(self, fault: str, **rule: object) -> None:
        """Script a fault, as the local clouds' servers take it."""
        self.faults.load([parse_rule({"fault": fault, **rule})])

    def calls(self, method: str, part: str = "") -> int:
        """How many requests of that method had that in their path."""
        return sum(1 for seen, path, _ in self.seen if seen == method and part in path)

    def _answer(self, request: Request, body: bytes) -> Response:
        for pattern, answer in (
            (_UPLOAD, self._upload),
            (_BLOB, self._blob),
            (_MANIFEST, self._manifest),
            (_TAGS, self._tags),
        ):
            if found := pattern.fullmatch(request.path):
                action = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(request.method, "push")
                is_upload = pattern is _UPLOAD
                refused = self.check(request, found["name"], "push" if is_upload else action)
                return refused or answer(request, found["name"], found["rest"], body)
        return self.check(request, "", "") or Response("{}")

    def _upload(self, request: Request, name: str, upload: str, body: bytes) -> Response:
        if request.method == "DELETE":
            self.uploads.discard(upload)
            return Response(status=204)
        if request.method == "POST":
            mount = request.args.get("mount", "")
            content = self.blobs.get((request.args.get("from", ""), mount))
            if self.mounts and content is not None:
                self.blobs[name, mount] = content
                return Response(status=201)
            upload = uuid.uuid4().hex
            self.uploads.add(upload)
            return Response(status=202, headers={"Location": f"/v2/{name}/blobs/uploads/{upload}?_state=s"})
        if upload not in self.uploads:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        self.uploads.discard(upload)
        self.blobs[name, digest_of(body)] = body
        return Response(status=201) if request.args["digest"] == digest_of(body) else refusal(400, "DIGEST_INVALID")

    def _blob(self, request: Request, name: str, digest: str, body: bytes) -> Response:
        content = self.blobs.get((name, digest))
        if content is None:
            return refusal(404, "BLOB_UNKNOWN")
        if self.blob_host and request.method == "GET":
            return Response(status=307, headers={"Location": f"http://{self.blob_host}{request.path}"})
        return Response(content, content_type="application/octet-stream")

    def _manifest(self, request: Request, name: str, rest: str, body: bytes) -> Response:
        if request.method == "PUT":
            return self._put(request, name, rest, body)
        digest = self.tags.get((name, rest), rest)
        if (name, digest) not in self.manifests:
            is_known = any(name == one for one, _ in [*self.blobs, *self.manifests])
            return refusal(404, "MANIFEST_UNKNOWN" if is_known else "NAME_UNKNOWN")
        if request.method == "DELETE":
            if not self.deletes:
                return refusal(405, "UNSUPPORTED")
            del self.manifests[name, digest]
            self.tags = {key: value for key, value in self.tags.items() if (key[0], value) != (name, digest)}
            return Response(status=202)
        media_type, content = self.manifests[name, digest]
        headers = {"Docker-Content-Digest": digest}
        return Response(content, content_type=f"{media_type}; charset=utf-8", headers=headers)

    def _put(self, request: Request, name: str, rest: str, body: bytes) -> Response:
        document, digest = json.loads(body), digest_of(body)
        parts = [document.get("config"), *document.get("layers", []), *document.get("manifests", [])]
        types = {request.content_type, *(part["mediaType"] for part in parts if part)}
        if types & set(self.refused_types):
            return refusal(400, "MANIFEST_INVALID", "that media type is not supported")
        for part in parts:
            key = (name, part["digest"]) if part else ("", "")
            if part and key not in self.blobs and key not in self.manifests:
                return refusal(400, "MANIFEST_BLOB_UNKNOWN")
        if name in self.immutable and (name, rest) in self.tags:
            return refusal(400, "TAG_INVALID", f"The image tag '{rest}' already exists and is immutable")
        self.manifests[name, digest] = (request.content_type or "", body)
        if not rest.startswith("sha256:"):
            self.tags[name, rest] = digest
        return Response(status=201, headers={"Docker-Content-Digest": digest})

    def _tags(self, request: Request, name: str, rest: str, body: bytes) -> Response:
        mine = sorted(tag for one, tag in self.tags if one == name)
        left = [tag for tag in mine if tag > request.args.get("last", "")]
        size = min(int(request.args.get("n", 100)), 3)
        headers = {}
        if len(left) > size:
            headers["Link"] = f'</v2/{name}/tags/list?n={size}&last={left[size - 1]}>; rel="next"'
        return Response(json.dumps({"name": name, "tags": left[:size] or None}), headers=headers)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def refusal(status: int, code: str, message: str = "no") -> Response:
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return Response(body, status, content_type="application/json")


def basic(username: str, password: str) -> Check:
    """As ECR asks."""
    expected = f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"

    def check(request: Request, name: str, action: str) -> Response | None:
        if request.headers.get("Authorization", "") == expected:
            return None
        answer = refusal(401, "UNAUTHORIZED")
        answer.headers["WWW-Authenticate"] = 'Basic realm="registry",service="ecr.amazonaws.com"'
        return answer

    return check


def bearer(realm: Callable[[], str], signing_key: Secret) -> Check:
    """As the registry of GitLab asks, for tokens that its GitLab signs."""
    key: Any = load_pem_private_key(signing_key.reveal().encode(), password=None)

    def check(request: Request, name: str, action: str) -> Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, key.public_key(), algorithms=["ES256"], audience="container_registry")
        except jwt.InvalidTokenError:
            claims = {"access": []}
        if any(one["name"] == name and action in one["actions"] for one in claims["access"]):
            return None
        answer = refusal(401, "UNAUTHORIZED")
        scope = f"repository:{name}:{action}"
        parameters = f'realm="{realm()}",service="container_registry",scope="{scope}"'
        answer.headers["WWW-Authenticate"] = f"Bearer {parameters}"
        return answer

    return check


class RegistryServers:
    """Serves registries one after the other, or beside one another; a server takes a second to end, so they are kept
    until all is over."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._idle: list[HttpServer] = []

    @contextmanager
    def serve(self, registry: MemoryRegistry) -> Iterator[str]:
        """Gives host:port."""
        server = self._idle.pop() if self._idle else self._stack.enter_context(HttpServer("127.0.0.1", 0, registry))
        server.install(FaultMiddleware(registry, registry.faults, GitLabDialect()))
        yield f"127.0.0.1:{server.port}"
        self._idle.append(server)


@contextmanager
def registry_servers() -> Iterator[RegistryServers]:
    """Servers for a module's tests."""
    with ExitStack() as stack:
        yield RegistryServers(stack)
