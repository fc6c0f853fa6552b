"""From what a preflight found to the cache's options and the table that is printed."""

import pytest

from sledgehammer.cli.preflight import render_facts
from sledgehammer.errors import CredentialsError
from sledgehammer.registry.findings import Finding, RegistryFacts, options_for
from sledgehammer.registry.reference import Reference

PLANNED = {"mode": "max", "compression": "zstd", "oci-mediatypes": "true"}
YES = Finding(holds=True)
NO = Finding(holds=False, reason="PUT: 400")
CACHE = Reference(host="r.example", path="web/cache")
GOOD = RegistryFacts(
    repository=CACHE,
    is_reachable=YES,
    can_pull=YES,
    exists=YES,
    can_push=YES,
    takes_image_manifest=YES,
    takes_index=YES,
    takes_zstd=YES,
    is_mutable=YES,
    round_trip_ms=12.3,
)


def facts(*, image: Finding = YES, index: Finding = YES, zstd: Finding = YES, mutable: Finding = YES) -> RegistryFacts:
    return RegistryFacts(
        repository=CACHE, takes_image_manifest=image, takes_index=index, takes_zstd=zstd, is_mutable=mutable
    )


@pytest.mark.parametrize(
    ("found", "options", "reason"),
    [
        (GOOD, (), "in either form"),
        (facts(index=NO), (("image-manifest", "true"), ("oci-mediatypes", "true")), "refuses a cache as an index"),
        (facts(image=NO), (("image-manifest", "false"),), "refuses a cache as an image manifest"),
        (facts(zstd=NO), (("compression", "gzip"),), "in either form"),
        (facts(image=NO, zstd=NO), (("image-manifest", "false"), ("compression", "gzip")), "as an image manifest"),
    ],
)
def test_the_options_follow_from_what_is_taken(
    found: RegistryFacts, options: tuple[tuple[str, str], ...], reason: str
) -> None:
    """With the reason; nothing is asked for that the default does as well."""
    choice = options_for(found)

    assert (choice.is_usable, choice.options) == (True, options)
    assert reason in choice.reasons[0]


@pytest.mark.parametrize("found", [facts(image=NO, index=NO), facts(mutable=NO)])
def test_a_repository_that_takes_no_cache_has_no_options(found: RegistryFacts) -> None:
    """Neither form, or a tag that is written once: said with the repository's name."""
    choice = options_for(found)

    assert not choice.is_usable
    assert CACHE.name in choice.reasons[0]


def test_the_table_says_what_was_found_and_what_follows() -> None:
    """A line each; a no comes with its reason."""
    assert render_facts(GOOD, PLANNED).splitlines()[:2] == [
        "r.example/web/cache",
        "  reachable             yes, a round trip takes 12 ms",
    ]
    table = render_facts(facts(index=NO), PLANNED)
    assert "  index cache           no: PUT: 400\n" in table
    assert "  may push              unknown: not looked at\n" in table


@pytest.mark.parametrize(
    ("found", "planned", "said"),
    [
        (GOOD, {}, "mode=max,compression=zstd,oci-mediatypes=true will do, there is nothing to set\n"),
        (facts(index=NO), {}, "  put below cache:      options: {image-manifest: true}\n"),
        (facts(index=NO), {"image-manifest": "true"}, "image-manifest=true will do, there is nothing to set\n"),
        (facts(image=NO), {"image-manifest": "true"}, "  put below cache:      options: {image-manifest: false}\n"),
        (facts(zstd=NO), {}, "  put below cache:      options: {compression: gzip}\n"),
        (facts(zstd=NO), {"compression": "gzip"}, "oci-mediatypes=true will do, there is nothing to set\n"),
    ],
)
def test_the_table_has_the_line_that_the_project_lacks(
    found: RegistryFacts, planned: dict[str, str], said: str
) -> None:
    """As sledge.yaml wants it; nothing where a build plans the right options already."""
    table = render_facts(found, {**PLANNED, **planned})

    assert said in table
    assert ("put below" in said) == ("put below" in table)


def test_the_table_of_a_blocked_repository_offers_no_options() -> None:
    """The problem is the reason; what was left behind is named."""
    left = (CACHE.with_digest(f"sha256:{'a' * 64}"),)
    found = RegistryFacts(repository=CACHE, problem=CredentialsError("this user may not push"), left_behind=left)
    table = render_facts(found, PLANNED)

    assert "  cache options         none would do\n  because               this user may not push\n" in table
    assert f"  left behind           {left[0]}\n" in table
