"""The questions of a preflight to one repository, each asked when the ones before it allow it."""

import secrets
from dataclasses import replace

from sledgehammer.errors import (
    CredentialsError,
    NotFoundError,
    RemoteError,
    SledgehammerError,
    TimedOutError,
)
from sledgehammer.polling import Clock
from sledgehammer.registry.cache_manifests import TinyCache, push_tiny_cache
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.failures import ImmutableTagError, RegistryRefusedError, RepositoryAbsentError
from sledgehammer.registry.findings import Finding, RegistryFacts
from sledgehammer.registry.manifest import Manifest
from sledgehammer.registry.manifests import get_manifest, put_manifest
from sledgehammer.registry.reference import Reference

TAG_PREFIX = "sledge-preflight-"

_YES = Finding(holds=True)


class Probe:
    """`pushed` is what may have to be removed, the last first: an index goes before what it lists."""

    def __init__(self, client: RegistryClient, repository: Reference, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._tag = repository.with_tag(f"{TAG_PREFIX}{secrets.token_hex(6)}")
        self._facts = RegistryFacts(repository=repository)
        self.pushed: list[Reference] = []

    def run(self) -> RegistryFacts:
        """Ask until something blocks; that is the facts' problem."""
        self._look()
        if self._facts.problem is None and (cache := self._push_blobs()) is not None:
            self._push_image(cache)
            if self._facts.problem is None:
                self._push_index(cache)
            if self._facts.problem is None:
                self._push_zstd(cache)
        return self._facts

    def _look(self) -> None:
        """Nothing is there under a name that nobody has used: how the registry says so tells much."""
        try:
            exists = self._ask_for_nothing()
            begun = self._clock.monotonic()
            self._ask_for_nothing()  # with the token of the first: a plain round trip
        except CredentialsError as error:
            self._facts = replace(
                self._facts, is_reachable=_YES, can_pull=_no(error), problem=_told(error, "this user may not pull")
            )
        except (RemoteError, TimedOutError) as error:
            self._facts = replace(self._facts, is_reachable=_no(error), problem=error)
        else:
            taken_ms = (self._clock.monotonic() - begun) * 1000
            self._facts = replace(self._facts, is_reachable=_YES, can_pull=_YES, exists=exists, round_trip_ms=taken_ms)

    def _ask_for_nothing(self) -> Finding:
        """Whether the repository is there, as far as the registry tells: some answer alike for both."""
        try:
            get_manifest(self._client, self._tag)
        except RepositoryAbsentError as error:
            return _no(error)
        except NotFoundError:
            return _YES
        return _YES

    def _push_blobs(self) -> TinyCache | None:
        try:
            return push_tiny_cache(self._client, self._tag)
        except RepositoryAbsentError as error:
            self._facts = replace(
                self._facts,
                exists=_no(error),
                problem=_told(error, "the repository does not exist", "run: sledge apply"),
            )
        except CredentialsError as error:
            self._refuse_push(error)
        except SledgehammerError as error:
            self._facts = replace(self._facts, problem=error)
        return None

    def _push_image(self, cache: TinyCache) -> None:
        """A cache in the form of an image, then another one under its tag, as each build of a branch does."""
        takes = self._try(cache.as_image(mark=self._tag.tag), self._tag)
        self._facts = replace(self._facts, takes_image_manifest=takes)
        if takes.holds is not True:
            return
        try:
            self._put(cache.as_image(mark=f"{self._tag.tag} again"), self._tag)
        except ImmutableTagError as error:
            hint = "give the cache a repository with mutable tags"
            problem = _told(error, "tags are immutable, so that a cache could be written only once", hint)
            self._facts = replace(self._facts, is_mutable=_no(error), problem=problem)
        except SledgehammerError as error:
            self._facts = replace(self._facts, problem=error)
        else:
            self._facts = replace(self._facts, is_mutable=_YES)

    def _push_index(self, cache: TinyCache) -> None:
        takes = self._try(cache.as_index(), self._tag.with_tag(f"{self._tag.tag}-index"))
        self._facts = replace(self._facts, takes_index=takes)
        image = self._facts.takes_image_manifest
        if self._facts.problem is None and takes.holds is False and image.holds is False:
            said = f"{self._facts.repository.name} takes a build cache in neither form: {image.reason}"
            problem = RemoteError(said, hint="cache: {strategy: none} builds without one")
            self._facts = replace(self._facts, problem=problem)

    def _push_zstd(self, cache: TinyCache) -> None:
        """In a form that is taken, so that it is the compression that is refused."""
        place = self._tag.with_tag(f"{self._tag.tag}-zstd")
        if self._facts.takes_image_manifest.holds:
            manifest = cache.as_image(mark=place.tag, is_zstd=True)
        else:
            manifest = cache.as_index(is_zstd=True)
        self._facts = replace(self._facts, takes_zstd=self._try(manifest, place))

    def _try(self, manifest: Manifest, place: Reference) -> Finding:
        """Push and read back. A refusal for what it is, is an answer; anything else blocks."""
        try:
            self._put(manifest, place)
            get_manifest(self._client, place.with_digest(manifest.digest))
        except RepositoryAbsentError as error:  # gone since its blobs were pushed
            self._facts = replace(self._facts, problem=error)
            return Finding(reason=error.message)
        except (RegistryRefusedError, NotFoundError) as error:  # some take what an index lists for absent manifests
            self._facts = replace(self._facts, can_push=_YES)
            return _no(error)
        except CredentialsError as error:
            self._refuse_push(error)
            return Finding(reason=error.message)
        except SledgehammerError as error:
            self._facts = replace(self._facts, problem=error)
            return Finding(reason=error.message)
        self._facts = replace(self._facts, can_push=_YES, exists=_YES)
        return _YES

    def _put(self, manifest: Manifest, place: Reference) -> None:
        """Noted for removal before it is known to be there: an answer may get lost."""
        self.pushed.insert(0, place.with_digest(manifest.digest))
        try:
            put_manifest(self._client, place, manifest)
        except (RegistryRefusedError, NotFoundError, CredentialsError):
            self.pushed.pop(0)
            raise

    def _refuse_push(self, error: CredentialsError) -> None:
        self._facts = replace(self._facts, can_push=_no(error), problem=_told(error, "this user may not push"))


def _no(error: SledgehammerError) -> Finding:
    return Finding(holds=False, reason=error.message)


def _told(error: SledgehammerError, what: str, hint: str = "") -> SledgehammerError:
    """The same class of error, beginning with what it means here."""
    return type(error)(f"{what}: {error.message}", hint=hint or error.hint)
