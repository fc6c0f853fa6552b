"""Earlier builds of a project's images, read from the registry beside their caches, and what they let expect."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sledgehammer.destination import Destination
from sledgehammer.dockerfile.graph import StageGraph
from sledgehammer.errors import ConfigurationError, CredentialsError, NotFoundError, SledgehammerError
from sledgehammer.expect import Expectation, History, Link, expected_seconds, history_of
from sledgehammer.expect.seconds import GUESSED_LINK
from sledgehammer.explain.record import BuildRecord, parse_record
from sledgehammer.facts import facts_of_version
from sledgehammer.operations import BuilderKind, SelectBuilder
from sledgehammer.plan import situations
from sledgehammer.ports import RegistryOwner
from sledgehammer.project import Project
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.blobs import MAX_BLOB_BYTES, get_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifest import Descriptor
from sledgehammer.registry.manifests import find_manifest
from sledgehammer.registry.records import branch_record, read_record
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.repositories import ImageRepositories
from sledgehammer.strategies import STRATEGIES
from sledgehammer.strategies.auto import MUCH_LESS
from sledgehammer.strategies.none import NONE
from sledgehammer.strategy import CacheStrategy, Situation

log = logging.getLogger(__name__)

MOST_BUILDS = 5
"""Of an image; each takes two requests."""
SMALLEST_SAMPLE_BYTES = 256 * 1024
"""Below it the round trip is all that could be measured."""

SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """Of one image: its last builds, the way to its registry, the size of its cache, and what each strategy that can
    hit may be expected to take, the quickest first."""

    image: str
    history: History
    link: Link
    cache_bytes: int
    expectations: tuple[Expectation, ...]

    @property
    def seconds(self) -> Mapping[str, float]:
        """By strategy, for `auto`. Where the last build was one without a cache, `none` counts for a fifth less: it was
        taken for being so much quicker, and goes only when it is no quicker at all. So an apply that runs every hour
        does not change the CI file with each measured speed of the registry."""
        used = {} if self.history.reads_cache else {NONE.name: MUCH_LESS}
        return {one.strategy: one.seconds * used.get(one.strategy, 1.0) for one in self.expectations}


def read_experience(
    project: Project,
    owner: RegistryOwner,
    destination: Destination,
    graphs: Mapping[str, StageGraph],
) -> tuple[Experience, ...]:
    """Of the images whose last builds on the checkout's branch can be compared: reads only. Raises what the registry
    raises."""
    return _read(_way_to(owner), project, destination, graphs)


def expectations_for_auto(
    project: Project,
    owner: RegistryOwner,
    destination: Destination,
    graphs: Mapping[str, StageGraph],
) -> Mapping[str, Mapping[str, float]]:
    """Seconds by image and strategy. What cannot be read is no failure: there is a choice without it.

    Raises RemoteError or TimedOutError where not the registry but the provider gives no answer: its every other call
    would wait for one in vain as long again.
    """
    try:
        way = _way_to(owner)
    except (NotFoundError, CredentialsError, ConfigurationError) as error:
        return _without_records(error)
    try:
        return {one.image: one.seconds for one in _read(way, project, destination, graphs)}
    except SledgehammerError as error:
        return _without_records(error)


def _without_records(error: SledgehammerError) -> Mapping[str, Mapping[str, float]]:
    if isinstance(error, NotFoundError):
        log.info("nothing was built yet: %s", error.message)
    else:
        log.warning("earlier builds cannot be read, so cache strategy auto goes by facts alone: %s", error.message)
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How the provider says its registry is entered, and where in it the builds of a branch are."""

    repositories: Mapping[str, ImageRepositories]
    access: RegistryAccess
    slug: str


def _way_to(owner: RegistryOwner) -> _Way:
    return _Way(repositories=owner.image_repositories(), access=owner.registry(), slug=owner.branch_slug())


def _read(
    way: _Way, project: Project, destination: Destination, graphs: Mapping[str, StageGraph]
) -> tuple[Experience, ...]:
    facts = facts_of_version(project.docker_version)
    found = []
    with RegistryClient(way.access) as client:
        for situation in situations(project, graphs=graphs, facts=facts, destination=destination):
            one = _experience(situation, way.repositories[situation.image.name].cache, client, slug=way.slug)
            found += [one] if one is not None else []
    return tuple(found)


def _experience(situation: Situation, cache: Reference, client: RegistryClient, *, slug: str) -> Experience | None:
    history = history_of(_records(client, branch_record(cache, slug)))
    if history is None:
        return None
    layers = _cached_layers(client, cache.with_tag(slug))
    link = _measure(client, cache, layers)
    cache_bytes = sum(layer.size_bytes for layer in layers)
    able = [name for name, strategy in STRATEGIES.items() if strategy.refusal(situation) == ""]
    return Experience(
        image=situation.image.name,
        history=history,
        link=link,
        cache_bytes=cache_bytes,
        expectations=expected_seconds(
            history,
            link=link,
            cache_bytes=cache_bytes,
            strategies=able,
            needs_builder=[name for name in able if _starts_builder(STRATEGIES[name], situation)],
        ),
    )


def _records(client: RegistryClient, newest: Reference) -> Sequence[BuildRecord]:
    """The newest first; a cleanup policy may have taken older ones."""
    found: list[BuildRecord] = []
    reference = newest
    try:
        while len(found) <= MOST_BUILDS:
            found.append(parse_record(read_record(client, reference)))
            if not found[-1].before:
                break
            reference = newest.with_digest(found[-1].before)
    except (NotFoundError, ConfigurationError) as error:
        log.info("no further record: %s", error.message)
    return found


def _cached_layers(client: RegistryClient, reference: Reference) -> Sequence[Descriptor]:
    """Of a registry cache in either form, an image or an index that lists its blobs."""
    manifest = find_manifest(client, reference)
    if manifest is None:
        return ()
    return manifest.children if manifest.is_index else manifest.layers


def _measure(client: RegistryClient, repository: Reference, layers: Sequence[Descriptor]) -> Link:
    """By fetching the largest layer that is small enough to be fetched for this."""
    samples = [one for one in layers if SMALLEST_SAMPLE_BYTES <= one.size_bytes <= MAX_BLOB_BYTES]
    if not samples:
        return GUESSED_LINK
    sample = max(samples, key=lambda one: one.size_bytes)
    started = time.monotonic()
    get_blob(client, repository, sample.digest)
    return Link(bytes_per_s=sample.size_bytes / max(time.monotonic() - started, SHORTEST_S))


def _starts_builder(strategy: CacheStrategy, situation: Situation) -> bool:
    return any(
        isinstance(operation, SelectBuilder) and operation.kind is BuilderKind.CONTAINER
        for operation in strategy.plan(situation)
    )
