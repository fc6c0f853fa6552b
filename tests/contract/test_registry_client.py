"""The registry client against a registry that challenges, throttles, breaks, redirects and refuses."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
from gitlab_local import ROOT, LocalGitLab, fresh_gitlab
from oci_registry import MemoryRegistry, RegistryServers, basic, bearer, digest_of, refusal, registry_servers
from werkzeug.wrappers import Request, Response

from sledgehammer.errors import CredentialsError, NotFoundError, RemoteError, TimedOutError
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.blobs import get_blob, mount_blob, push_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.failures import ImmutableTagError, RegistryRefusedError, RepositoryAbsentError
from sledgehammer.registry.manifest import Manifest, make_manifest
from sledgehammer.registry.manifests import (
    delete_manifest,
    find_digest,
    find_manifest,
    get_manifest,
    put_manifest,
)
from sledgehammer.registry.media_types import OCI_INDEX, OCI_MANIFEST
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.tags import list_tags, tag_manifest
from sledgehammer.registry.transport import Limits
from sledgehammer.secret import Secret
from sledgehammer.testing import FakeClock

PASSWORD = "s3cret-of-the-test"


class Open(Protocol):
    """Serve a registry, and give a client of it, the repository team/web there, and the clock that never sleeps."""

    def __call__(
        self, registry: MemoryRegistry, *, username: str = "", password: str = PASSWORD, limits: Limits | None = None
    ) -> AbstractContextManager[tuple[RegistryClient, Reference, FakeClock]]: ...


@pytest.fixture(scope="module")
def servers() -> Iterator[RegistryServers]:
    with registry_servers() as made:
        yield made


@pytest.fixture
def opened(servers: RegistryServers) -> Open:
    @contextmanager
    def open_one(
        registry: MemoryRegistry, *, username: str = "", password: str = PASSWORD, limits: Limits | None = None
    ) -> Iterator[tuple[RegistryClient, Reference, FakeClock]]:
        clock = FakeClock()
        with servers.serve(registry) as host:
            secret = Secret(password, source="a test")
            access = RegistryAccess(host=host, username=username, password=secret, is_plain_http=True)
            with RegistryClient(access, clock=clock, limits=limits) as client:
                yield client, Reference(host=host, path="team/web"), clock

    return open_one


def push(client: RegistryClient, reference: Reference, *, layer: bytes = b"layer") -> Manifest:
    """An image of one layer."""
    config = push_blob(client, reference, b"{}", media_type="config")
    content = push_blob(client, reference, layer, media_type="layer")
    manifest = make_manifest(OCI_MANIFEST, {"config": config.document(), "layers": [content.document()]})
    put_manifest(client, reference, manifest)
    return manifest


def test_what_is_written_is_read(opened: Open) -> None:
    """By tag and by digest, the same bytes; a lookup of what is not there gives None."""
    with opened(MemoryRegistry()) as (client, web, _):
        pushed = push(client, web.with_tag("v1"))

        assert find_digest(client, web.with_tag("v1")) == pushed.digest
        assert get_manifest(client, web.with_digest(pushed.digest)) == pushed
        assert pushed.config is not None
        assert get_blob(client, web, pushed.config.digest) == b"{}"
        assert find_digest(client, web.with_tag("v2")) is None
        assert find_manifest(client, web.with_tag("v2")) is None
        with pytest.raises(NotFoundError, match="team/web:v2"):
            get_manifest(client, web.with_tag("v2"))


def test_a_repository_that_is_not_there_is_told_apart(opened: Open) -> None:
    """Its error is a class of its own; another registry's reference is refused before anything is sent."""
    registry = MemoryRegistry()
    with opened(registry) as (client, web, _):
        with pytest.raises(RepositoryAbsentError):
            get_manifest(client, web.with_tag("v1"))
        before = len(registry.seen)
        with pytest.raises(ValueError, match="does not lie in"):
            get_manifest(client, Reference(host="elsewhere.example", path="a"))
        assert len(registry.seen) == before


def test_a_blob_that_is_there_is_not_sent_again(opened: Open) -> None:
    """One question instead of an upload."""
    registry = MemoryRegistry()
    with opened(registry) as (client, web, _):
        push_blob(client, web, b"once", media_type="layer")
        push_blob(client, web, b"once", media_type="layer")
        assert registry.calls("PUT", "/blobs/") == 1


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


@pytest.mark.parametrize("fault", ["throttle", "error_before", "error_after", "reset_before", "reset_after"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/"), ("HEAD", "/blobs/")]
)
def test_a_push_survives_a_fault_at_every_call(opened: Open, fault: str, method: str, path: str) -> None:
    """An upload that broke is begun anew; what was written twice is there once."""
    registry = MemoryRegistry()
    registry.fault(fault, method=method, path=path, calls=[1])
    with opened(registry) as (client, web, clock):
        pushed = push(client, web.with_tag("v1"))
        assert list_tags(client, web) == ["v1"]
        assert get_manifest(client, web.with_tag("v1")) == pushed
        assert len(registry.faults.injected) == 1
        assert clock.sleeps


def test_retry_after_is_waited_for(opened: Open) -> None:
    """At least so long, and not beyond the policy's bound."""
    registry = MemoryRegistry()
    registry.fault("throttle", method="GET", calls=[1], retry_after_s=17)
    with opened(registry) as (client, web, clock):
        assert find_manifest(client, web.with_tag("v1")) is None
        assert clock.sleeps[0] >= 17
        registry.fault("throttle", method="GET", calls=[1], retry_after_s=9000)
        with pytest.raises(TimedOutError, match="asks for a wait of 9000 s"):
            find_manifest(client, web.with_tag("v1"))


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


def test_other_bytes_than_named_are_refused(opened: Open) -> None:
    """Of a manifest and of a blob, and a blob larger than is wanted."""
    registry = MemoryRegistry()
    with opened(registry) as (client, web, _):
        pushed = push(client, web.with_tag("v1"))
        layer = pushed.layers[0].digest
        with pytest.raises(RemoteError, match="more than 2 bytes"):
            get_blob(client, web, layer, max_bytes=2)
        registry.blobs["team/web", layer] = b"other"
        registry.manifests["team/web", pushed.digest] = (OCI_MANIFEST, b"{}")
        with pytest.raises(RemoteError, match="are others"):
            get_blob(client, web, layer)
        for reference in (web.with_tag("v1"), web.with_digest(pushed.digest)):
            with pytest.raises(RemoteError, match="are not those of"):
                get_manifest(client, reference)


def test_a_manifest_is_tagged_without_its_layers_moving(opened: Open) -> None:
    """In its repository by two requests; into another one by mounts, the manifests of an index included."""
    registry = MemoryRegistry()
    with opened(registry) as (client, web, _):
        image = push(client, web.with_tag("v1"))
        before = len(registry.seen)
        assert tag_manifest(client, web.with_tag("v1"), web.with_tag("v2")) == web.with_digest(image.digest)
        assert [method for method, *_ in registry.seen[before:]] == ["GET", "PUT"]

        child = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": len(image.content)}
        index = make_manifest(OCI_INDEX, {"manifests": [child]})
        put_manifest(client, web.with_tag("all"), index)
        other = Reference(host=web.host, path="team/other")
        tag_manifest(client, web.with_tag("all"), other.with_tag("all"))
        assert get_manifest(client, other.with_tag("all")) == index
        assert get_manifest(client, other.with_digest(image.digest)) == image
        assert registry.calls("PUT", "/blobs/") == 2


def test_a_registry_that_does_not_mount_says_so(opened: Open) -> None:
    """The upload that it offers instead is called off."""
    registry = MemoryRegistry(mounts=False)
    with opened(registry) as (client, web, _):
        image = push(client, web.with_tag("v1"))
        other = Reference(host=web.host, path="team/other")
        with pytest.raises(RemoteError, match="does not mount blobs"):
            tag_manifest(client, web.with_tag("v1"), other.with_tag("v1"))
        assert not mount_blob(client, other, image.layers[0].digest, source=web)
        assert registry.uploads == set()


def test_a_mount_asks_for_both_repositories_in_one_token(opened: Open, gitlab: LocalGitLab) -> None:
    """The push first, for some registries look at no other scope."""
    gitlab.client().projects.create({"name": "other"})
    registry = MemoryRegistry(check=bearer(lambda: f"{gitlab.url}/jwt/auth", gitlab.settings.signing_key))
    with opened(registry, username="root", password=ROOT) as (client, web, _):
        app, other = (Reference(host=web.host, path=path) for path in ("root/app", "root/other"))
        image = push(client, app.with_tag("v1"))
        assert tag_manifest(client, app.with_tag("v1"), other.with_tag("v1")) == other.with_digest(image.digest)


def test_an_immutable_tag_is_a_conflict_unless_it_points_there_already(opened: Open) -> None:
    """The same push twice is no error, another one is."""
    registry = MemoryRegistry(immutable={"team/web"})
    with opened(registry) as (client, web, _):
        image = push(client, web.with_tag("v1"))
        assert put_manifest(client, web.with_tag("v1"), image) == web.with_digest(image.digest)
        with pytest.raises(ImmutableTagError, match="TAG_INVALID"):
            push(client, web.with_tag("v1"), layer=b"other")


def test_tags_are_listed_over_all_pages_and_removed(opened: Open) -> None:
    """Sorted, however few come at a time; none of a repository that has lost them all."""
    with opened(MemoryRegistry()) as (client, web, _):
        names = [f"v{number}" for number in range(8)]
        for name in reversed(names):
            image = push(client, web.with_tag(name))
        assert list_tags(client, web) == names
        delete_manifest(client, web.with_digest(image.digest))
        delete_manifest(client, web.with_digest(image.digest))
        assert list_tags(client, web) == []


def test_a_registry_that_does_not_delete_refuses(opened: Open) -> None:
    """As ECR, which has its own call for that."""
    with opened(MemoryRegistry(deletes=False)) as (client, web, _):
        image = push(client, web.with_tag("v1"))
        with pytest.raises(RegistryRefusedError, match="405"):
            delete_manifest(client, web.with_digest(image.digest))


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


def test_everything_ends_at_the_moment_that_was_set(opened: Open) -> None:
    """However slowly the registry answers: the clock is looked at before each request and each piece."""
    registry = MemoryRegistry()
    with opened(registry, limits=Limits(until=10.0)) as (client, web, clock):
        assert find_manifest(client, web.with_tag("v1")) is None
        clock.sleep(11)
        before = len(registry.seen)
        with pytest.raises(TimedOutError, match="in the time set for it"):
            find_manifest(client, web.with_tag("v1"))
        assert len(registry.seen) == before


def test_an_answer_that_is_none_of_a_registry_is_told(opened: Open) -> None:
    """A page of a proxy in the place of a list."""

    def page(request: Request, name: str, action: str) -> Response:
        return Response("<html>hello</html>")

    with (
        opened(MemoryRegistry(check=page)) as (client, web, _),
        pytest.raises(RemoteError, match="not a list of tags"),
    ):
        list_tags(client, web)


def test_the_media_type_is_the_manifests_own_word(opened: Open) -> None:
    """Parameters of the header do not count; a manifest without a word has the header's."""
    registry = MemoryRegistry()
    with opened(registry) as (client, web, _):
        content = json.dumps({"schemaVersion": 2, "layers": []}).encode()
        put_manifest(
            client, web.with_tag("v1"), Manifest(media_type=OCI_MANIFEST, digest=digest_of(content), content=content)
        )
        assert get_manifest(client, web.with_tag("v1")).media_type == OCI_MANIFEST
