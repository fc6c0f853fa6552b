"""What images the stack stands on, what stands for what, and when one must be made anew."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import NotFoundError

DOCKER_VERSION = "26.1"
SUITE = "trixie"
BASE = "debian"
CODEBUILD_IMAGE = "aws/codebuild/standard:7.0"
REGISTRY_IMAGE = "registry:2"

RECIPES_DIR = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One image. `name` is the folder with its Dockerfile; the base has none, mmdebstrap makes it. `tags`: what it
    is called besides `sledgehammer/<name>`; the first of those on Docker Hub is what gets pulled from there."""

    name: str
    parent: str
    tags: tuple[str, ...]
    is_on_hub: bool = True
    is_mirrored: bool = False  # Dockerfiles build upon it

    @property
    def image(self) -> str:
        """Our own name for it, which Dockerfiles of other recipes use."""
        return f"sledgehammer/{self.name}"


# In an order in which two workers can make them: no recipe stands right behind its parent for long.
RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name=BASE,
        parent="",
        tags=("debian:trixie-slim", "debian:trixie", "debian:13-slim", "debian:13", "debian:stable-slim"),
        is_mirrored=True,
    ),
    Recipe(name="docker-cli", parent=BASE, tags=("docker:26.1-cli", "docker:26-cli")),
    Recipe(name="rust", parent=BASE, tags=("rust:1.85-slim", "rust:1.85", "rust:1-slim", "rust:1"), is_mirrored=True),
    Recipe(name="docker-dind", parent="docker-cli", tags=("docker:26.1-dind", "docker:26-dind")),
    Recipe(name="registry", parent=BASE, tags=(REGISTRY_IMAGE,)),
    Recipe(name="codebuild", parent="docker-dind", tags=(CODEBUILD_IMAGE,), is_on_hub=False),
    Recipe(name="node", parent=BASE, tags=("node:20-slim", "node:20"), is_mirrored=True),
)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name."""
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    raise NotFoundError(f"there is no image recipe {name}; there are {', '.join(r.name for r in RECIPES)}")


def recipe_keys(recipes: Sequence[Recipe], *, certificates: Sequence[str]) -> Mapping[str, str]:
    """For each recipe a digest of all it is made from: its folder, its parent's key, the suite, the host's own
    certificate authorities, and for the base the program that makes it. Parents stand before their children."""
    keys: dict[str, str] = {}
    for recipe in recipes:
        digest = hashlib.sha256()
        parts = [recipe.name, SUITE, *certificates, keys.get(recipe.parent, ""), *_folder_parts(recipe.name)]
        for part in parts:
            digest.update(part.encode() + b"\0")
        keys[recipe.name] = digest.hexdigest()[:20]
    return keys


def _folder_parts(name: str) -> list[str]:
    files = sorted(path for path in (RECIPES_DIR / name).glob("*") if path.is_file())
    files += [Path(__file__).parent / "base.py"] if name == BASE else []
    return [part for path in files for part in (path.name, path.read_text(encoding="utf-8"))]
