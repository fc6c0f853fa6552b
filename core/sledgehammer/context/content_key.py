"""The content key: one digest over all that decides what an image will be.

It is the SHA-256 of a canonical text, which `shell/content_key.sh` writes byte for byte the same in a CI job:
a header (`header_of`), one line `base REFERENCE DIGEST` per base image, one line `KIND DIGEST PATH` per used file,
each group sorted by bytes.
"""

import hashlib
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sledgehammer.context.git_folder import may_take_git, sends_git
from sledgehammer.context.ignore import IGNORE_FILE, IgnoreRules, read_ignore
from sledgehammer.context.listing import ContextFile, FileKind, Tree
from sledgehammer.context.pattern import UnreadablePatternError
from sledgehammer.context.usage import ContextUse, context_use, goes_through_link
from sledgehammer.dockerfile.graph import NO_ARGS
from sledgehammer.dockerfile.parse import parse_dockerfile
from sledgehammer.errors import ConfigurationError
from sledgehammer.platforms import DEFAULT_PLATFORM

FORMAT = "sledge content key 2"
"""Another one where keys of before may stand for images that they do not describe."""
NO_IGNORE_FILE = "-"
THROUGH_LINK = f"a source is a link, which may lead into .git; add .git to {IGNORE_FILE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoKey:
    """The build has no content key: it must run. `reason` completes "no content key: …"; with a recipe the files that
    it uses can still be listed."""

    reason: str
    recipe: "KeyRecipe | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecipe:
    """All of a key that the Dockerfile and the ignore file decide; what is missing are base digests and files."""

    dockerfile: str  # path below the project
    dockerfile_digest: str
    ignore_digest: str  # NO_IGNORE_FILE without one
    context: str
    target: str  # the stage's name, "" for a last one without
    platform: str
    args: tuple[tuple[str, str], ...]
    base_images: tuple[str, ...]
    rules: IgnoreRules
    use: ContextUse

    @property
    def sends_git(self) -> bool:
        """Whether the ignore file lets anything of `.git` through."""
        return sends_git(self.rules, context=self.context)


def key_recipe(
    tree: Tree,
    *,
    dockerfile: str = "Dockerfile",
    context: str = ".",
    target: str = "",
    args: Mapping[str, str] = NO_ARGS,
    platform: str = DEFAULT_PLATFORM,
) -> KeyRecipe | NoKey:
    """Read the recipe off a project's files. Raises ConfigurationError for a Dockerfile that cannot be built."""
    content = tree.read(dockerfile)
    if content is None:
        raise ConfigurationError(f"there is no {dockerfile}", hint="set dockerfile: in sledge.yaml")
    ignore = read_ignore_file(tree, dockerfile=dockerfile, context=context)
    graph = parse_dockerfile(content.decode("utf-8", "surrogateescape"), name=dockerfile, platform=platform)
    use = context_use(graph, target=target, args=args)
    try:
        rules = read_ignore(ignore or b"")
    except UnreadablePatternError as error:
        return NoKey(reason=error.message)
    recipe = KeyRecipe(
        dockerfile=dockerfile,
        dockerfile_digest=hashlib.sha256(content).hexdigest(),
        ignore_digest=NO_IGNORE_FILE if ignore is None else hashlib.sha256(ignore).hexdigest(),
        context=context,
        target=graph.stage(target).name,
        platform=platform,
        args=tuple(sorted(args.items())),
        base_images=graph.base_images(target, args),
        rules=rules,
        use=use,
    )
    if use.unknown:
        return NoKey(reason=use.unknown[0], recipe=recipe)
    if recipe.sends_git and any(may_take_git(source) for source in use.sources):
        return NoKey(reason=f"the image may hold .git itself; add .git to {IGNORE_FILE}", recipe=recipe)
    return recipe


def read_ignore_file(tree: Tree, *, dockerfile: str, context: str) -> bytes | None:
    """The ignore file that counts: `<Dockerfile>.dockerignore` beside the Dockerfile goes before the context's."""
    own = tree.read(f"{dockerfile}{IGNORE_FILE}")
    return tree.read(posixpath.join(context, IGNORE_FILE)) if own is None else own


def content_key(recipe: KeyRecipe, tree: Tree, bases: Mapping[str, str]) -> str | NoKey:
    """The key as 64 hex digits. `bases` maps each of the recipe's base images to its digest (`sha256:…`)."""
    missing = [reference for reference in recipe.base_images if not bases.get(reference)]
    if missing:
        return NoKey(reason=f"the digest of {missing[0]} is not known")
    files = used_files(recipe, tree)
    if isinstance(files, NoKey):
        return files
    lines = sorted(os.fsencode(f"{file.kind.value} {file.digest} {file.path}\n") for file in files)
    return hashlib.sha256(header_of(recipe).encode() + _base_lines(recipe, bases) + b"".join(lines)).hexdigest()


def used_files(recipe: KeyRecipe, tree: Tree) -> tuple[ContextFile, ...] | NoKey:
    """The files of the context that the target uses, after the ignore file."""
    is_ignored = recipe.rules.matcher()
    broken: list[str] = []

    def is_sent(path: str) -> bool:
        if "\n" in path:
            broken.append(path)
        return not is_ignored(path)

    files = recipe.use.select(tree.files(recipe.context, keep=is_sent))
    if recipe.sends_git and goes_through_link(recipe.use.sources, files):
        return NoKey(reason=THROUGH_LINK)
    if broken:
        return NoKey(reason="a file's name has a line break")
    if any(file.kind is FileKind.SUBMODULE for file in files):
        return NoKey(reason="a submodule is used, whose files the commit does not hold")
    return files


def header_of(recipe: KeyRecipe) -> str:
    """The canonical text up to the base images. Values of args stand by their SHA-256: they may have line breaks."""
    lines = [
        FORMAT,
        f"dockerfile {recipe.dockerfile_digest}",
        f"ignore {recipe.ignore_digest}",
        f"platform {recipe.platform}",
        f"target {recipe.target}",
        *args_lines(recipe.args),
    ]
    return "".join(f"{line}\n" for line in lines)


def args_lines(args: Sequence[tuple[str, str]]) -> list[str]:
    """One line per argument, its value hashed."""
    return [f"arg {name} {hashlib.sha256(value.encode()).hexdigest()}" for name, value in args]


def _base_lines(recipe: KeyRecipe, bases: Mapping[str, str]) -> bytes:
    return b"".join(sorted(f"base {reference} {bases[reference]}\n".encode() for reference in recipe.base_images))
