"""The registry client's credentials: to whom they go, when tokens are fetched, and what a refusal says."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from gitlab_local import ROOT, LocalGitLab, fresh_gitlab
from oci_registry import MemoryRegistry, RegistryServers, basic, bearer, refusal, registry_servers
from registry_opened import PASSWORD, Open, opener, push
from werkzeug.wrappers import Request, Response

from sledgehammer.errors import CredentialsError
from sledgehammer.registry.blobs import get_blob
from sledgehammer.registry.manifest import make_manifest
from sledgehammer.registry.manifests import (
    find_digest,
    put_manifest,
)
from sledgehammer.registry.media_types import OCI_MANIFEST
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.tags import tag_manifest


@pytest.fixture(scope="module")
def servers() -> Iterator[RegistryServers]:
    with registry_servers() as made:
        yield made


@pytest.fixture
def opened(servers: RegistryServers) -> Open:
    return opener(servers)


def test_a_basic_challenge_is_answered_with_the_password(opened: Open) -> None:
    """From then on without being asked; nothing is sent before; a wrong one is told without its text."""
    registry = MemoryRegistry(check=basic("AWS", PASSWORD))
    with opened(registry, username="AWS") as (client, web, _):
        push(client, web.with_tag("v1"))
        authorizations = [authorization for _, _, authorization in registry.seen]
        assert authorizations[0] == ""
        assert all(authorization.startswith("Basic ") for authorization in authorizations[1:])
    for username in ("AWS", ""):
        with (
            opened(registry, username=username, password="wr0ng") as (client, web, _),
            pytest.raises(CredentialsError) as caught,
        ):
            find_digest(client, web.with_tag("v1"))
        assert "wr0ng" not in str(caught.value)


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[LocalGitLab]:
    """A GitLab with the project root/app, whose registry asks for its tokens."""
    with fresh_gitlab(tmp_path) as local:
        local.client().projects.create({"name": "app"})
        yield local


def test_tokens_are_fetched_once_a_scope_and_renewed_in_time(opened: Open, gitlab: LocalGitLab) -> None:
    """GitLab says nothing of a token's life but in the token: five minutes, of which four are used."""
    served: list[str] = []

    def realm() -> str:
        served.append("challenge")
        return f"{gitlab.url}/jwt/auth"

    registry = MemoryRegistry(check=bearer(realm, gitlab.settings.signing_key))
    with opened(registry, username="root", password=ROOT) as (client, web, clock):
        app = Reference(host=web.host, path="root/app")
        push(client, app.with_tag("v1"))
        tokens = {authorization for _, _, authorization in registry.seen if authorization}
        assert (len(served), len(tokens)) == (1, 2)  # pull alone, and pull with push
        clock.sleep(timedelta(days=400).total_seconds())  # beyond what the real clock put into the tokens
        assert find_digest(client, app.with_tag("v1"))
        assert len(served) == 1
        assert len({authorization for _, _, authorization in registry.seen if authorization}) == 3


def test_a_token_with_less_than_was_asked_is_a_credentials_error(opened: Open, gitlab: LocalGitLab) -> None:
    """Told at once, with the missing action, instead of a 401 without end."""
    registry = MemoryRegistry(check=bearer(lambda: f"{gitlab.url}/jwt/auth", gitlab.settings.signing_key))
    reader = gitlab.token_of(1, "read_registry")
    with opened(registry, username="root", password=reader) as (client, web, _):
        app = Reference(host=web.host, path="root/app")
        assert find_digest(client, app.with_tag("v1")) is None
        with pytest.raises(CredentialsError, match=r"grants only pull on root/app, not push"):
            put_manifest(client, app.with_tag("v1"), make_manifest(OCI_MANIFEST, {"layers": []}))
        with pytest.raises(CredentialsError, match="grants nothing on root/other"):
            find_digest(client, Reference(host=web.host, path="root/other"))
        assert registry.calls("PUT") == 0
    with (
        opened(registry, username="root", password="wrong") as (client, web, _),
        pytest.raises(CredentialsError, match="the token service: access forbidden"),
    ):
        find_digest(client, Reference(host=web.host, path="root/app"))


def test_a_redirect_to_another_host_gets_no_credentials(opened: Open, servers: RegistryServers) -> None:
    """A storage service refuses requests with two kinds of them, and they are none of its business."""
    storage = MemoryRegistry()
    registry = MemoryRegistry(check=basic("AWS", PASSWORD))
    with servers.serve(storage) as storage_host, opened(registry, username="AWS") as (client, web, _):
        pushed = push(client, web.with_tag("v1"))
        storage.blobs.update(registry.blobs)
        registry.blob_host = storage_host
        assert get_blob(client, web, pushed.layers[0].digest) == b"layer"
        assert [(method, authorization) for method, _, authorization in storage.seen] == [("GET", "")]


def test_a_mount_asks_for_both_repositories_in_one_token(opened: Open, gitlab: LocalGitLab) -> None:
    """The push first, for some registries look at no other scope."""
    gitlab.client().projects.create({"name": "other"})
    registry = MemoryRegistry(check=bearer(lambda: f"{gitlab.url}/jwt/auth", gitlab.settings.signing_key))
    with opened(registry, username="root", password=ROOT) as (client, web, _):
        app, other = (Reference(host=web.host, path=path) for path in ("root/app", "root/other"))
        image = push(client, app.with_tag("v1"))
        assert tag_manifest(client, app.with_tag("v1"), other.with_tag("v1")) == other.with_digest(image.digest)


def test_the_reason_of_a_refused_lookup_is_found(opened: Open) -> None:
    """A HEAD has no body, so the same is asked with a GET."""

    def denied(request: Request, name: str, action: str) -> Response:
        return refusal(403, "DENIED", "not for you")

    with (
        opened(MemoryRegistry(check=denied)) as (client, web, _),
        pytest.raises(CredentialsError, match="not for you"),
    ):
        find_digest(client, web.with_tag("v1"))


def test_a_token_service_without_a_token_is_told(opened: Open) -> None:
    """Its answer is JSON of something else."""

    def challenge(request: Request, name: str, action: str) -> Response | None:
        if not name:
            return None  # the realm below
        answer = refusal(401, "UNAUTHORIZED")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="/token"'
        return answer

    with (
        opened(MemoryRegistry(check=challenge), username="ada") as (client, web, _),
        pytest.raises(CredentialsError, match="answered without a token"),
    ):
        find_digest(client, web.with_tag("v1"))


def test_whom_a_registry_redirects_to_may_not_ask_for_the_password(opened: Open, servers: RegistryServers) -> None:
    """Its challenge is not answered: neither it nor the realm that it names hears of the credentials."""
    storage = MemoryRegistry(check=basic("ada", "other"))
    registry = MemoryRegistry(check=basic("AWS", PASSWORD))
    with servers.serve(storage) as storage_host, opened(registry, username="AWS") as (client, web, _):
        pushed = push(client, web.with_tag("v1"))
        registry.blob_host = storage_host
        with pytest.raises(CredentialsError):
            get_blob(client, web, pushed.layers[0].digest)
        assert [authorization for _, _, authorization in storage.seen] == [""]
