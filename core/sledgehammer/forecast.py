"""A project's builds at two points, a commit and a commit or the work tree, compared step by step without building."""

import os
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sledgehammer.checkout import read_checkout
from sledgehammer.config import parse_project
from sledgehammer.context import CommitTree, ContextFile, FileKind, Tree, WorkTree
from sledgehammer.context.content_key import read_ignore_file
from sledgehammer.context.ignore import read_ignore
from sledgehammer.errors import ConfigurationError
from sledgehammer.explain.inputs import BuildInputs
from sledgehammer.explain.predict import Prediction, predict
from sledgehammer.ports import Provider
from sledgehammer.process import Command, ProcessRunner
from sledgehammer.project import Image
from sledgehammer.session import CONFIG_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The steps of one image. `is_new` says that the earlier point has no such image: nothing can hit."""

    image: str
    is_new: bool
    predictions: tuple[Prediction, ...]


def forecast(
    root: Path, span: str, *, processes: ProcessRunner, providers: Mapping[str, Provider]
) -> tuple[Forecast, ...]:
    """Per image of the later point, what its build will find in the cache of the earlier one.

    `span` is `A..B`, or `A` alone for the work tree as it is. Base images are taken to be the same where their
    references are: nothing is asked of a registry. Raises ConfigurationError.
    """
    if "..." in span:
        first, _, last = span.partition("...")
        raise ConfigurationError(
            f"{span} has three dots: a build is compared with another, not with where two branches parted",
            hint=f"write {first}..{last}, or $(git merge-base {first or 'HEAD'} {last or 'HEAD'})..{last}",
        )
    prefix = read_checkout(root, runner=processes).prefix
    first, dots, last = span.partition("..")

    def commit(name: str) -> CommitTree:
        found = processes.run(Command(argv=("git", "rev-parse", "--verify", "-q", f"{name}^{{commit}}"), cwd=root))
        if found.exit_code != 0:
            raise ConfigurationError(f'git knows no commit "{name}" in {root}', hint="give A..B, or A for A..work tree")
        return CommitTree(root=root, commit=found.text, processes=processes, prefix=prefix)

    before = commit(first or "HEAD")
    after = commit(last or "HEAD") if dots else WorkTree(root)
    earlier = {image.name: image for image in _images(before, root, providers)}
    return tuple(_forecast(image, earlier.get(image.name), before, after) for image in _images(after, root, providers))


def _images(tree: Tree, root: Path, providers: Mapping[str, Provider]) -> tuple[Image, ...]:
    """The images of the tree's own sledge.yaml; none where it has none."""
    content = tree.read(CONFIG_FILE)
    if content is None:
        return ()
    text = content.decode("utf-8", "replace")
    return parse_project(text, file=CONFIG_FILE, root=root, providers=providers).images


def _forecast(image: Image, earlier: Image | None, before: Tree, after: Tree) -> Forecast:
    now = image_inputs(after, image, revision=_revision(after))
    was_built = earlier is not None and before.read(earlier.dockerfile) is not None
    then = image_inputs(before, earlier, revision=_revision(before)) if earlier is not None and was_built else None
    return Forecast(image=image.name, is_new=then is None, predictions=predict(then, now))


def _revision(tree: Tree) -> str:
    """What a work tree would be committed as is another commit than any."""
    return tree.commit if isinstance(tree, CommitTree) else "work tree"


def image_inputs(
    tree: Tree,
    image: Image,
    *,
    bases: Mapping[str, str] | None = None,
    revision: str = "",
    has_modes: bool = False,
) -> BuildInputs:
    """The inputs of an image's build. Modes are left out unless `has_modes`: a checkout's umask makes them in CI.

    A context that lets `.git` through holds it in a checkout: `revision` stands for its content.
    """
    content = tree.read(image.dockerfile)
    if content is None:
        raise ConfigurationError(
            f"there is no {image.dockerfile} for image {image.name}", hint="set dockerfile: in sledge.yaml"
        )
    ignore = read_ignore_file(tree, dockerfile=image.dockerfile, context=image.context)
    is_ignored = read_ignore(ignore or b"").matcher()
    files = tree.files(image.context, keep=lambda path: not is_ignored(path))
    has_git = revision and posixpath.normpath(image.context) == "." and not is_ignored(".git/HEAD")
    git = (ContextFile(path=".git/HEAD", kind=FileKind.REGULAR, digest=revision),) if has_git else ()
    return BuildInputs(
        dockerfile=os.fsdecode(content),
        name=image.dockerfile,
        files=(*git, *(file if has_modes else replace(file, mode=0) for file in files)),
        target=image.target,
        args=image.args,
        bases=bases or {},
    )
