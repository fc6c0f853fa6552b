"""What images the stack stands on, what stands for what, and when one must be made anew."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DOCKER_VERSION = "26.1"
BASE = "debian"
CODEBUILD_IMAGE = "aws/codebuild/standard:7.0"
REGISTRY_IMAGE = "registry:2"

RECIPES_DIR = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One image. `folder` (its name, where none is given) holds its Dockerfile, which takes `arguments`; one with a
    `suite` has none: mmdebstrap makes the root of that Debian. `tags`: what it is called besides
    `sledgehammer/<name>`; the first of those on Docker Hub is what gets pulled from there."""

    name: str
    parent: str
    tags: tuple[str, ...]
    suite: str = ""
    folder: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_on_hub: bool = True
    is_mirrored: bool = False  # Dockerfiles build upon it

    @property
    def image(self) -> str:
        """Our own name for it, which Dockerfiles of other recipes use."""
        return f"sledgehammer/{self.name}"

    @property
    def source(self) -> Path:
        """The folder it is made from."""
        return RECIPES_DIR / (self.folder or self.name)


# In an order in which two workers can make them: no recipe stands right behind its parent for long.
RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name=BASE,
        parent="",
        suite="trixie",
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


def recipe_keys(recipes: Sequence[Recipe], *, certificates: Sequence[str]) -> Mapping[str, str]:
    """For each recipe a digest of all it is made from: its folder, its parent's key, its arguments, the host's own
    certificate authorities, and for a base its suite and the program that makes it. Parents stand before their
    children."""
    keys: dict[str, str] = {}
    for recipe in recipes:
        digest = hashlib.sha256()
        arguments = [part for pair in sorted(recipe.arguments.items()) for part in pair]
        own = [recipe.name, recipe.suite, keys.get(recipe.parent, ""), *arguments]
        parts = [*own, *certificates, *_folder_parts(recipe)]
        for part in parts:
            digest.update(part.encode() + b"\0")
        keys[recipe.name] = digest.hexdigest()[:20]
    return keys


def _folder_parts(recipe: Recipe) -> list[str]:
    files = sorted(path for path in recipe.source.glob("*") if path.is_file())
    files += [Path(__file__).parent / "base.py"] if recipe.suite else []
    return [part for path in files for part in (path.name, path.read_text(encoding="utf-8"))]
