"""The content key of one of a project's images, and the platform in it."""

from sledgehammer.context import KeyRecipe, NoKey, Tree, key_recipe
from sledgehammer.project import Image, Project


def known_platform(project: Project, machines: str) -> str:
    """What the project is built for, "" where that is not known. `machines` is what the provider knows of those that
    run the jobs; a remote builder is none of them, so of it sledge.yaml alone can tell."""
    return machines if project.cache.remote is None else project.cache.remote.platform


def image_recipe(project: Project, image: Image, tree: Tree, *, platform: str) -> KeyRecipe | NoKey:
    """As `key_recipe` has it; none where the image may come out for any platform."""
    recipe = key_recipe(
        tree,
        dockerfile=image.dockerfile,
        context=image.context,
        target=image.target,
        args=image.args,
        platform=platform,
    )
    remote = project.cache.remote
    if isinstance(recipe, KeyRecipe) and remote is not None and remote.platform == "":
        return NoKey(reason="what the remote builder builds for is not known (remote: platform:)", recipe=recipe)
    return recipe
