"""The registry's token service, and images listed through a registry that demands its tokens."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from gitlab.v4.objects import Project
from gitlab_local import ROOT, TWO_STAGES, LocalGitLab, fresh_gitlab

SERVICE = "container_registry"


@pytest.fixture
def project(local: LocalGitLab) -> Project:
    """A private project whose path has capitals, as image paths never have."""
    return local.client().projects.create({"name": "App", "path": "App"})


def _public_key(local: LocalGitLab) -> Any:
    return load_pem_private_key(local.settings.signing_key.reveal().encode(), password=None).public_key()


def _ask(local: LocalGitLab, *scopes: str, user: str = "root", secret: str | None = ROOT) -> requests.Response:
    return requests.get(
        f"{local.url}/jwt/auth",
        params=[("service", SERVICE), *(("scope", scope) for scope in scopes)],
        auth=(user, secret) if secret else None,
        timeout=10,
    )


def _claims(local: LocalGitLab, answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = jwt.decode(
        answer.json()["token"], _public_key(local), algorithms=["ES256"], audience=SERVICE, issuer="gitlab-issuer"
    )
    return claims


def _granted(local: LocalGitLab, *scopes: str, user: str = "root", secret: str | None = ROOT) -> dict[str, list[str]]:
    claims = _claims(local, _ask(local, *scopes, user=user, secret=secret))
    return {one["name"]: one["actions"] for one in claims["access"]}


def test_the_token_is_what_a_registry_checks(local: LocalGitLab, project: Project) -> None:
    """ES256 under the libtrust id of the key, five minutes long, nothing but `token` in the answer."""
    answer = _ask(local, "repository:root/app/web:pull,push")
    assert set(answer.json()) == {"token"}
    der = _public_key(local).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key_id = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    header = jwt.get_unverified_header(answer.json()["token"])
    assert (header["alg"], header["kid"].replace(":", "")) == ("ES256", key_id)
    claims = _claims(local, answer)
    assert claims["sub"] == "root"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["access"] == [{"type": "repository", "name": "root/app/web", "actions": ["pull", "push"]}]
    assert project.id


def test_more_than_allowed_is_answered_with_less(local: LocalGitLab, project: Project) -> None:
    """A reader that asks for push gets pull; a project that is not there gives no access; both are 200."""
    reader = local.token_of(1, "read_registry")
    assert _granted(local, "repository:root/app:pull,push", secret=reader) == {"root/app": ["pull"]}
    assert _granted(local, "repository:no/such:pull,push") == {}
    several = ("repository:root/app:pull", "repository:root/app/cache:push,pull")
    assert _granted(local, *several) == {"root/app": ["pull"], "root/app/cache": ["push", "pull"]}
    assert project.id


def test_wrong_credentials_and_strangers(local: LocalGitLab, project: Project) -> None:
    """403 for a wrong password, a token without a registry scope, and nobody; a stranger gets an empty token."""
    scope = "repository:root/app:pull"
    assert _ask(local, scope, secret="wrong").status_code == 403
    assert _ask(local, scope, secret=local.token_of(1, "read_user")).status_code == 403
    assert _ask(local, scope, secret=None).status_code == 403
    assert _granted(local, scope, user="bob", secret=local.user("bob")) == {}
    project.visibility = "public"
    project.save()
    assert _granted(local, scope, secret=None) == {"root/app": ["pull"]}


def test_a_job_pushes_to_its_own_project_alone_and_while_it_runs(local: LocalGitLab, project: Project) -> None:
    """gitlab-ci-token with the job's token."""
    other = local.client().projects.create({"name": "other"})
    action = {"action": "create", "file_path": ".gitlab-ci.yml", "content": TWO_STAGES}
    project.commits.create({"branch": "main", "commit_message": "CI", "actions": [action]})
    runner = local.runner()
    job = runner.take()
    scopes = ("repository:root/app:pull,push", f"repository:{other.path_with_namespace}:pull,push")
    granted = _granted(local, *scopes, user="gitlab-ci-token", secret=job["token"])
    assert granted == {"root/app": ["pull", "push"]}
    runner.end(job)
    assert _ask(local, *scopes, user="gitlab-ci-token", secret=job["token"]).status_code == 403


def test_deploy_tokens_have_their_scopes_and_never_delete(local: LocalGitLab, project: Project) -> None:
    """read_registry pulls, write_registry pushes; a revoked one is refused."""
    reader = project.deploytokens.create({"name": "r", "scopes": ["read_registry"]})
    writer = project.deploytokens.create({"name": "w", "scopes": ["read_registry", "write_registry"]})
    scope = "repository:root/app:pull,push,delete"
    assert _granted(local, scope, user=reader.username, secret=reader.token) == {"root/app": ["pull"]}
    assert _granted(local, scope, user=writer.username, secret=writer.token) == {"root/app": ["pull", "push"]}
    assert _ask(local, scope, user="somebody", secret=writer.token).status_code == 403
    project.deploytokens.delete(writer.id)
    assert _ask(local, scope, user=writer.username, secret=writer.token).status_code == 403


def test_a_project_without_registry_grants_nothing(local: LocalGitLab, project: Project) -> None:
    """container_registry_access_level disabled; the catalog is for administrators."""
    assert _granted(local, "registry:catalog:*") == {"catalog": ["*"]}
    assert _granted(local, "registry:catalog:*", secret=local.user("bob")) == {}
    project.container_registry_access_level = "disabled"
    project.save()
    assert _granted(local, "repository:root/app:pull") == {}


class _Registry(BaseHTTPRequestHandler):
    """A registry of one image that takes the server's tokens only."""

    key: ClassVar[Any]
    manifests: ClassVar[dict[str, bytes]] = {}
    blobs: ClassVar[dict[str, bytes]] = {}
    deleted: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, self.key, algorithms=["ES256"], audience=SERVICE)
        assert [one["name"] for one in claims["access"]] == ["root/app"]
        name = self.path.rsplit("/", 1)[1]
        if "/tags/list" in self.path:
            return self._answer(json.dumps({"name": "root/app", "tags": [*self.manifests]}).encode())
        return self._answer((self.manifests if "/manifests/" in self.path else self.blobs).get(name))

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def do_DELETE(self) -> None:
        self.deleted.append(self.path.rsplit("/", 1)[1])
        self._answer(b"")

    def _answer(self, body: bytes | None) -> None:
        self.send_response(404 if body is None else 200)
        body = body or b""
        self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(body).hexdigest()}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def registry_address() -> Iterator[str]:
    """The stub, serving."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as registry:
        thread = threading.Thread(target=registry.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{registry.server_address[1]}"
        finally:
            registry.shutdown()
            thread.join()


def test_images_are_listed_as_the_registry_has_them(tmp_path: Path, registry_address: str) -> None:
    """The repository is known once a push was granted; tags and digests come from the registry."""
    with fresh_gitlab(tmp_path, registry_address=registry_address) as local:
        _Registry.key = _public_key(local)
        config = json.dumps({"created": "2026-01-02T03:04:05Z"}).encode()
        config_digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        layers = [{"digest": "sha256:aa", "size": 100}]
        manifest = json.dumps({"config": {"digest": config_digest, "size": 10}, "layers": layers}).encode()
        _Registry.manifests, _Registry.blobs = {"v2": manifest, "v1": manifest}, {config_digest: config}
        project = local.client().projects.create({"name": "app"})
        assert project.repositories.list(get_all=True) == []
        _granted(local, "repository:root/app:push")
        (images,) = project.repositories.list(get_all=True, tags_count=True)
        assert (images.location, images.tags_count) == (f"{registry_address}/root/app", 2)
        assert [one.name for one in images.tags.list(get_all=True)] == ["v1", "v2"]
        tag = images.tags.get("v1")
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        assert (tag.digest, tag.total_size) == (digest, 110)
        assert datetime.fromisoformat(tag.created_at).year == 2026
        images.tags.delete("v1")
        assert _Registry.deleted == [digest]
        found = local.call("GET", f"/registry/repositories/{images.id}", params={"tags": "true"}).json()
        assert [(one["name"], one["location"]) for one in found["tags"]] == [
            (name, f"{registry_address}/root/app:{name}") for name in ("v1", "v2")
        ]
        images.delete()
        assert project.repositories.list(get_all=True) == []
