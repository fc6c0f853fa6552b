"""The build record in a CI job: the call that writes it."""

import shlex
from functools import cache
from importlib.resources import files

from sledgehammer.context.content_key import KeyRecipe, NoKey, args_lines
from sledgehammer.operations import EnvVar, Text
from sledgehammer.shell.quote import quote

FORMAT_LINE = "format 1"
"""The first line of a record."""


@cache
def build_record_functions() -> str:
    """The shell functions; they need those of the content key and the folder `$sledge_dir`."""
    return files("sledgehammer.shell").joinpath("build_record.sh").read_text(encoding="utf-8")


def render_write_record(
    recipe: KeyRecipe | NoKey, *, image: str, commit: Text, folder: str, progress: str, bases: str = "sledge_bases"
) -> str:
    """One command that makes the record in the folder; `folder` and `progress` are words of shell, `bases` is the
    variable that holds one line `REFERENCE sha256:…` per base image. It follows the recipe's `render_content_key`.
    The platform is the job's own. Without any recipe (an ignore file that cannot be read) nothing is recorded: the
    command is `:`."""
    if isinstance(recipe, NoKey):
        if recipe.recipe is None:
            return ":"
        recipe = recipe.recipe
    head = [
        FORMAT_LINE,
        f"image {image}",
        f"dockerfile {recipe.dockerfile}",
        f"target {recipe.target}",
        *args_lines(recipe.args),
        "platform ",
    ]
    first = quote(("\n".join(head), EnvVar("sledge_platform"), "\n"))
    places = shlex.join([recipe.context, recipe.dockerfile])
    return f'sledge_write_record {folder} {progress} {first} {quote(commit)} {places} "${{{bases}}}"'
