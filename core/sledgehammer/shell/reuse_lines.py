"""The question whether a build has to run at all."""

from sledgehammer.context.content_key import NoKey
from sledgehammer.operations import Reuse
from sledgehammer.shell.content_key import render_content_key
from sledgehammer.shell.quote import quote


def last_steps(reuse: Reuse) -> str:
    """One word `STAGE=NUMBER …` for sledge_keep_key."""
    return quote((" ".join(f"{stage}={number}" for stage, number in reuse.steps),))


def reuse_lines(image: str, reuse: Reuse) -> list[str]:
    """Lines up to and with the `else` below which the build stands."""
    bases = () if isinstance(reuse.recipe, NoKey) else reuse.recipe.base_images
    words = (
        (image,),
        reuse.repository,
        reuse.tag,
        reuse.branch,
        reuse.is_protected,
        reuse.here,
        reuse.home,
        ("immutable" if reuse.is_immutable else "mutable",),
    )
    return [
        f"sledge_resolve_bases{''.join(f' {quote((base,))}' for base in bases)}",
        render_content_key(reuse.recipe, image=image),
        f"if sledge_reuse {' '.join(quote(word) for word in words)}; then",
        "  :",
        "else",
    ]
