"""The registry client against a registry that challenges, throttles, breaks, redirects and refuses."""

import json
from collections.abc import Iterator

import pytest
from oci_registry import MemoryRegistry, RegistryServers, digest_of, registry_servers
from registry_opened import Open, opener, push
from werkzeug.wrappers import Request, Response

from sledgehammer.errors import NotFoundError, RemoteError, TimedOutError
from sledgehammer.registry.blobs import get_blob, mount_blob, push_blob
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


@pytest.fixture(scope="module")
def servers() -> Iterator[RegistryServers]:
    with registry_servers() as made:
        yield made


@pytest.fixture
def opened(servers: RegistryServers) -> Open:
    return opener(servers)


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
