"""What a connection must do that is a RegistryOwner, as a suite of pytest beside `sledgehammer.testing.contract`.

The rehearsal's cloud needs a registry that really keeps what is pushed; every request to it goes over the network.
"""
# ruff: noqa: S101 - assertions are what a test is made of

import pytest

from sledgehammer.destination import Repository
from sledgehammer.operations import Text
from sledgehammer.ports import RegistryOwner
from sledgehammer.registry.blobs import push_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import make_manifest
from sledgehammer.registry.manifests import find_manifest, put_manifest
from sledgehammer.registry.media_types import OCI_MANIFEST
from sledgehammer.registry.repositories import ImageRepositories
from sledgehammer.testing.contract import Rehearsal, apply


class RegistryOwnerContract:
    """Subclass it, and give it a fixture `rehearsal`."""

    @pytest.fixture
    def owner(self, rehearsal: Rehearsal) -> RegistryOwner:
        """The connection after an apply."""
        apply(rehearsal)
        connection = rehearsal.connect()
        assert isinstance(connection, RegistryOwner)
        return connection

    def test_the_plans_texts_have_their_values(self, rehearsal: Rehearsal, owner: RegistryOwner) -> None:
        """Every image and cache lies in the registry, at a place of its own that ends as the plan's text does."""
        planned = rehearsal.provider.destination(rehearsal.project).repositories
        found = owner.image_repositories()

        assert set(found) == set(planned)
        places = [place for each in found.values() for place in (each.image, each.cache)]
        assert {place.host for place in places} == {owner.registry().host}
        assert len(set(places)) == len(places)
        assert all(ends_alike(found[name], planned[name]) for name in planned)

    def test_what_is_pushed_is_there_until_it_is_removed(self, owner: RegistryOwner) -> None:
        """With the credentials that the connection gives, in every repository; removing twice does no harm."""
        with RegistryClient(owner.registry()) as client:
            for each in owner.image_repositories().values():
                for repository in (each.image, each.cache):
                    config = push_blob(client, repository, b"{}", media_type="application/json")
                    manifest = make_manifest(OCI_MANIFEST, {"config": config.document(), "layers": []})
                    pushed = put_manifest(client, repository.with_tag("rehearsal"), manifest)
                    assert find_manifest(client, repository.with_tag("rehearsal")) == manifest
                    owner.remove_manifest(pushed)
                    owner.remove_manifest(pushed)
                    assert find_manifest(client, repository.with_tag("rehearsal")) is None

    def test_the_password_does_not_print(self, owner: RegistryOwner) -> None:
        """Neither with the access nor with the connection."""
        access = owner.registry()
        assert access.password.reveal() not in f"{access!r} {access} {owner!r}"
        assert access.password.source


def ends_alike(found: ImageRepositories, planned: Repository) -> bool:
    """Whether the last literal of each text ends the reference that it became."""
    return found.image.name.endswith(last_literal(planned.image)) and found.cache.name.endswith(
        last_literal(planned.cache)
    )


def last_literal(text: Text) -> str:
    """ "" where a text ends with a variable."""
    return text[-1] if isinstance(text[-1], str) else ""
