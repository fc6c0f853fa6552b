"""What a preflight finds out about a cache repository, and what follows from it for the cache's options. Pure."""

from dataclasses import dataclass

from sledgehammer.errors import SledgehammerError
from sledgehammer.registry.reference import Reference

Options = tuple[tuple[str, str], ...]

IMAGE_MANIFEST: Options = (("image-manifest", "true"), ("oci-mediatypes", "true"))
"""BuildKit's words for a cache in the form of an image; the default since 0.21, known since 0.12."""

INDEX: Options = (("image-manifest", "false"),)

GZIP: Options = (("compression", "gzip"),)
"""Instead of zstd, which a build asks for by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: whether it holds, None where it could not be found out; `reason` says why."""

    holds: bool | None = None
    reason: str = ""


UNKNOWN = Finding(reason="not looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFacts:
    """Of one cache repository. `problem` is the first thing that keeps a cache from being written there;
    `left_behind` are manifests that could not be removed again."""

    repository: Reference
    is_reachable: Finding = UNKNOWN
    can_pull: Finding = UNKNOWN
    exists: Finding = UNKNOWN
    can_push: Finding = UNKNOWN
    takes_image_manifest: Finding = UNKNOWN
    takes_index: Finding = UNKNOWN
    takes_zstd: Finding = UNKNOWN
    is_mutable: Finding = UNKNOWN
    round_trip_ms: float | None = None
    problem: SledgehammerError | None = None
    left_behind: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheChoice:
    """The options for BuildKit's registry cache beyond its mode; not `is_usable` where none would do. `reasons` say
    why, a sentence each."""

    is_usable: bool
    options: Options = ()
    reasons: tuple[str, ...] = ()


def options_for(facts: RegistryFacts) -> CacheChoice:
    """What a registry cache needs on these facts. What is not known to be refused is taken to be accepted, but only
    where nothing blocks."""
    where = facts.repository.name
    if facts.problem is not None:
        return CacheChoice(is_usable=False, reasons=(facts.problem.message,))
    if facts.is_mutable.holds is False:
        return CacheChoice(is_usable=False, reasons=(f"{where}: {facts.is_mutable.reason}",))
    takes_image, takes_index = facts.takes_image_manifest.holds, facts.takes_index.holds
    if takes_image is False and takes_index is False:
        return CacheChoice(is_usable=False, reasons=(f"{where} takes a cache in neither form",))
    if takes_index is False:
        options, reason = IMAGE_MANIFEST, f"{where} refuses a cache as an index, so it is written as an image manifest"
    elif takes_image is False:
        options, reason = INDEX, f"{where} refuses a cache as an image manifest, so it is written as an index"
    else:
        options, reason = (), f"{where} takes a cache in either form: BuildKit's default serves"
    if facts.takes_zstd.holds is not False:
        return CacheChoice(is_usable=True, options=options, reasons=(reason,))
    slower = f"{where} refuses layers that are compressed by zstd, so they are by gzip, which takes longer"
    return CacheChoice(is_usable=True, options=(*options, *GZIP), reasons=(reason, slower))
