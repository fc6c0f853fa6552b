"""The content key in a CI job: patterns compiled into an awk program, and the call that makes the key there."""

import shlex
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from sledgehammer.context.content_key import THROUGH_LINK, KeyRecipe, NoKey, header_of
from sledgehammer.context.ignore import IgnoreRules
from sledgehammer.context.sources import SourcePattern

_PLAIN = frozenset(range(0x20, 0x7F)) - {ord("/")}


@cache
def content_key_functions() -> str:
    """The shell functions; they need `sledge_say`, the folder `$sledge_dir` and `$sledge_platform`, which the first of
    them sets."""
    parts = files("sledgehammer.shell")
    return "\n".join(parts.joinpath(name).read_text(encoding="utf-8") for name in ("platform.sh", "content_key.sh"))


def render_content_key(recipe: KeyRecipe | NoKey, *, image: str, bases: str = "sledge_bases") -> str:
    """Commands that set `sledge_key` to the key, or to nothing after a line that says why.

    `bases` names the shell variable that holds one line `REFERENCE sha256:…` per base image of the recipe.
    """
    if isinstance(recipe, NoKey):
        refusal = shlex.join(["sledge_no_content_key", image, recipe.reason])
        if recipe.recipe is None:
            return refusal
        program = filter_program(recipe.recipe.rules, recipe.recipe.use.sources)
        return f"{refusal}\n{shlex.join(['sledge_list_used_files', recipe.recipe.context, program])}"
    words = [
        image,
        recipe.context,
        recipe.dockerfile,
        recipe.dockerfile_digest,
        recipe.ignore_digest,
        str(len(recipe.base_images)),
        header_of(recipe),
        filter_program(recipe.rules, recipe.use.sources) + ("\nBEGIN { sends_git = 1 }" if recipe.sends_git else ""),
        THROUGH_LINK,
    ]
    return f'{shlex.join(["sledge_content_key", *words])} "${{{bases}}}"'


def filter_program(rules: IgnoreRules, sources: Sequence[SourcePattern]) -> str:
    """Three awk functions over a path: whether ignore rule `i` matches it, whether it is used, whether, being a link,
    a source goes through it. Expressions are literals, which busybox compiles once."""
    tests = [f"  if (i == {at}) return p ~ /{_awk(rule.expression)}/" for at, rule in enumerate(rules.rules, 1)]
    exceptions = "".join("1" if rule.is_exception else "0" for rule in rules.rules)
    return "\n".join(
        [
            "function matches(i, p) {",
            *tests,
            "  return 0",
            "}",
            use_program(sources),
            f'BEGIN {{ exceptions = "{exceptions}" }}',
        ]
    )


def use_program(sources: Sequence[SourcePattern]) -> str:
    """The last two of these functions."""
    links = dict.fromkeys(link for source in sources for link in source.links)
    return "\n".join(
        [
            f"function is_used(p) {{ return {_any(dict.fromkeys(source.files for source in sources))} }}",
            f"function is_followed(p) {{ return {_any(links)} }}",
        ]
    )


def _any(expressions: dict[bytes, None]) -> str:
    return " || ".join(f"p ~ /{_awk(expression)}/" for expression in expressions) or "0"


def _awk(expression: bytes) -> str:
    """As a literal between slashes. A slash is written as an octal escape: after a backslash some awks would take
    the backslash, too, as a member of a bracket."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in expression)
