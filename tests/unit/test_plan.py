"""From a project to operations: the registry strategy, its refusal, and the order of things."""

from pathlib import Path

import pytest

from sledgehammer.destination import Destination, Repository
from sledgehammer.dockerfile import parse_dockerfile
from sledgehammer.errors import ConfigurationError
from sledgehammer.facts import EngineFacts, facts_of_version
from sledgehammer.operations import (
    Build,
    EnvVar,
    Login,
    Operation,
    PasswordFromEnv,
    SelectBuilder,
    WaitForEngine,
    text,
)
from sledgehammer.plan import BuildPlan, plan_build
from sledgehammer.project import CacheSettings, Image, Project

GRAPH = parse_dockerfile("FROM rust:1 AS build\nRUN make\nFROM debian AS package\nCOPY --from=build /a /a\n")


def plan(
    *images: Image, strategy: str = "registry", version: str = "26.1", settings: CacheSettings | None = None
) -> BuildPlan:
    """Plan images of one Dockerfile towards a made-up registry."""
    destination = Destination(
        repositories={
            image.name: Repository(image=text(EnvVar("R"), f"/{image.name}"), cache=text(EnvVar("R"), "/cache"))
            for image in images
        },
        engine=WaitForEngine(),
        login=Login(registry=(EnvVar("R"),), username=("u",), password=PasswordFromEnv(variable="P")),
        commit=(EnvVar("SHA"),),
        branch=(EnvVar("BRANCH"),),
        default_branch=("main",),
        cache_options=(("image-manifest", "true"),),
    )
    return plan_build(
        Project(name="p", images=images, root=Path(), cache=settings or CacheSettings(strategy=strategy)),
        graphs={image.name: GRAPH for image in images},
        facts=facts_of_version(version),
        destination=destination,
    )


def builds(operations: tuple[Operation, ...]) -> list[Build]:
    """The builds among operations."""
    return [operation for operation in operations if isinstance(operation, Build)]


def test_the_registry_cache_is_per_branch_with_a_fallback() -> None:
    """A branch reads its own ref, then the default branch's, and writes all stages to its own."""
    (build,) = builds(plan(Image(name="web")).operations)

    assert build.cache_from == (
        ("type=registry,ref=", EnvVar("R"), "/cache", ":", EnvVar("BRANCH")),
        ("type=registry,ref=", EnvVar("R"), "/cache", ":", "main"),
    )
    (export,) = build.exports
    assert export.attributes == (
        *build.cache_from[0],
        ",mode=max,compression=zstd,oci-mediatypes=true,image-manifest=true",
    )
    assert export.writer is not None
    assert (export.writer.ref, export.writer.shared) == (build.cache_from[0][1:], build.cache_from[1][1:])
    assert build.tags == ((EnvVar("R"), "/web", ":", EnvVar("SHA")),)


@pytest.mark.parametrize(
    ("options", "written"),
    [
        (
            (("image-manifest", "false"), ("compression", "gzip")),
            "compression=gzip,oci-mediatypes=true,image-manifest=false",
        ),
        ((("oci-mediatypes", "false"),), "oci-mediatypes=false,image-manifest=true"),
    ],
)
def test_options_of_the_project_come_over_those_of_the_provider(
    options: tuple[tuple[str, str], ...], written: str
) -> None:
    """Without OCI's media types there is no zstd, which is the default elsewhere."""
    (build,) = builds(plan(Image(name="web"), settings=CacheSettings(strategy="registry", options=options)).operations)

    assert build.exports[0].attributes[-1] == f",mode=max,{written}"


def test_operations_come_in_the_order_in_which_a_job_needs_them() -> None:
    """Engine, login, one builder for all images, then the builds."""
    kinds = [type(operation) for operation in plan(Image(name="a"), Image(name="b")).operations]

    assert kinds == [WaitForEngine, Login, SelectBuilder, Build, Build]


def test_none_plans_no_cache() -> None:
    """Neither a cache nor a builder that could export one."""
    operations = plan(Image(name="web"), strategy="none").operations

    assert not any(isinstance(operation, SelectBuilder) for operation in operations)
    assert builds(operations)[0].cache_from == ()
    assert builds(operations)[0].exports == ()


def test_a_strategy_that_cannot_hit_is_refused_with_the_reason() -> None:
    """Docker 20.10 in CI would silently cache nothing."""
    with pytest.raises(ConfigurationError, match=r"registry cannot hit: the builder of Docker 20\.10") as refusal:
        plan(Image(name="web"), version="20.10")

    assert "strategy: per-stage" in refusal.value.hint


def test_unknown_names_get_the_nearest_match() -> None:
    """A strategy and a stage that were misspelt."""
    with pytest.raises(ConfigurationError, match='did you mean "registry"'):
        plan(Image(name="web"), strategy="regsitry")
    with pytest.raises(ConfigurationError, match="package"):
        plan(Image(name="web", target="packge"))


def test_a_cache_and_an_image_never_share_a_repository() -> None:
    """A cache ref moves and is cleaned up; an image's tag stays."""
    with pytest.raises(ConfigurationError, match="the cache of image cache would lie in its own repository"):
        plan(Image(name="cache"))


@pytest.mark.parametrize(("written", "version"), [("28", (28, 0)), ("26.1", (26, 1)), ("28.5.2", (28, 5))])
def test_docker_versions(written: str, version: tuple[int, int]) -> None:
    """Major, major.minor and full versions are understood."""
    assert facts_of_version(written) == EngineFacts(version=version)


@pytest.mark.parametrize("written", ["latest", "", "dind", "28.x", "28-rc"])
def test_a_tag_that_pins_nothing_is_refused(written: str) -> None:
    """No guess about what `latest` can do."""
    with pytest.raises(ConfigurationError, match="is not a Docker version"):
        facts_of_version(written)
