"""Images that are made only when somebody asks for them by name: engines of other ages, BuildKit, further languages."""

from sledgehammer.errors import ConfigurationError, NotFoundError
from sledgehammer_localstack.images.recipes import BASE, DOCKER_VERSION, RECIPES, Recipe

_BOOKWORM, _FORKY = "debian-bookworm", "debian-forky"
OLDEST, NEWEST = "20.10", "28.5"

ENGINE_VERSIONS = (OLDEST, DOCKER_VERSION, NEWEST)
"""Of docker:<v>-cli and docker:<v>-dind, from the oldest: what Debian's suites give."""


def _client(version: str, parent: str, *, packages: str) -> Recipe:
    return Recipe(
        name=f"docker-cli-{version}",
        parent=parent,
        tags=(f"docker:{version}-cli",),
        folder="docker-cli",
        arguments={"PARENT": f"sledgehammer/{parent}", "PACKAGES": packages},
    )


def _engine(version: str) -> Recipe:
    parent = f"docker-cli-{version}"
    return Recipe(
        name=f"docker-dind-{version}",
        parent=parent,
        tags=(f"docker:{version}-dind",),
        folder="docker-dind",
        arguments={"PARENT": f"sledgehammer/{parent}"},
    )


ON_REQUEST: tuple[Recipe, ...] = (
    Recipe(
        name=_BOOKWORM,
        parent="",
        tags=("debian:bookworm-slim", "debian:bookworm", "debian:12-slim"),
        suite="bookworm",
        folder=BASE,
    ),
    # Bookworm has no client without its engine, and no buildx.
    _client(OLDEST, _BOOKWORM, packages="docker.io"),
    _engine(OLDEST),
    Recipe(name=_FORKY, parent="", tags=("debian:forky-slim", "debian:forky"), suite="forky", folder=BASE),
    _client(NEWEST, _FORKY, packages="docker-buildx docker-cli"),
    _engine(NEWEST),
    Recipe(name="buildkit", parent=_FORKY, tags=("moby/buildkit:buildx-stable-1",), is_mirrored=True),
    Recipe(name="python", parent=BASE, tags=("python:3.13-slim",), is_mirrored=True),
    Recipe(name="java", parent=BASE, tags=("eclipse-temurin:21-jre",), is_mirrored=True),
    Recipe(name="maven", parent="java", tags=("maven:3.9-eclipse-temurin-21",), is_mirrored=True),
)

ALL_RECIPES = (*RECIPES, *ON_REQUEST)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name."""
    for recipe in ALL_RECIPES:
        if recipe.name == name:
            return recipe
    raise NotFoundError(f"there is no image recipe {name}; there are {', '.join(r.name for r in ALL_RECIPES)}")


def with_parents(names: tuple[str, ...]) -> tuple[Recipe, ...]:
    """The recipes of these names and all that they are made upon, parents before their children."""
    wanted: set[str] = set()
    for name in names:
        recipe = find_recipe(name)
        while recipe.name not in wanted:
            wanted.add(recipe.name)
            if recipe.parent:
                recipe = find_recipe(recipe.parent)
    return tuple(recipe for recipe in ALL_RECIPES if recipe.name in wanted)


def engine_recipes(version: str) -> tuple[str, ...]:
    """Names of the recipes of the client and the engine of a version; those of the stack's own are always made."""
    if version not in ENGINE_VERSIONS:
        raise ConfigurationError(
            f"there is no Docker {version} to be had", hint=f"choose one of {', '.join(ENGINE_VERSIONS)}"
        )
    suffix = "" if version == DOCKER_VERSION else f"-{version}"
    return (f"docker-cli{suffix}", f"docker-dind{suffix}")
