"""Bring the images onto an engine: pulled where Docker Hub can be reached, else made from packages, once."""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sledgehammer.errors import RemoteError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.images.authorities import read_extra_certificates
from sledgehammer_localstack.images.base import make_base
from sledgehammer_localstack.images.hub import is_hub_reachable
from sledgehammer_localstack.images.on_request import ALL_RECIPES, find_recipe, with_parents
from sledgehammer_localstack.images.recipes import BASE, RECIPES, Recipe, recipe_keys
from sledgehammer_localstack.progress import Say

KEY_LABEL = "sledgehammer.recipe"
_WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """What `ensure_images` left on the engine. `from_hub`: Dockerfiles' base images come from Docker Hub itself;
    `made`: names of the recipes that were not there yet."""

    from_hub: bool
    made: tuple[str, ...]


def ensure_images(docker_host: str, *, runner: ProcessRunner, say: Say) -> ImageSet:
    """Have every image of RECIPES on the engine under all its tags; does nothing for those that are there
    and up to date. Tells one line for each."""
    certificates = read_extra_certificates()
    keys = recipe_keys(RECIPES, certificates=certificates)
    wanted = [recipe for recipe in RECIPES if not _is_made(docker_host, recipe, keys[recipe.name], runner)]
    if not wanted:
        say(f"images: all {len(RECIPES)} kept")
        return ImageSet(from_hub=False, made=())
    if is_hub_reachable():
        return _pull_all(docker_host, keys, runner=runner, say=say)
    maker = _Maker(docker_host=docker_host, keys=keys, certificates=certificates, runner=runner, say=say)
    maker.make_all(wanted)
    return ImageSet(from_hub=False, made=tuple(recipe.name for recipe in wanted))


def ensure_more_images(
    docker_host: str, names: Sequence[str], *, from_hub: bool, runner: ProcessRunner, say: Say
) -> tuple[str, ...]:
    """Have the images of these recipes, of ON_REQUEST or not, on the engine, beside those of `ensure_images`:
    pulled with `from_hub`, else made with their parents where they are not there yet. Gives the names of the new
    ones. Raises NotFoundError for a name that is no recipe's."""
    certificates = read_extra_certificates()
    keys = recipe_keys(ALL_RECIPES, certificates=certificates)
    if from_hub:
        return _pull(docker_host, [find_recipe(name) for name in names], runner=runner, say=say)
    recipes = with_parents(tuple(names))
    wanted = [recipe for recipe in recipes if not _is_made(docker_host, recipe, keys[recipe.name], runner)]
    maker = _Maker(docker_host=docker_host, keys=keys, certificates=certificates, runner=runner, say=say)
    maker.make_all(wanted)
    return tuple(recipe.name for recipe in wanted)


def _pull_all(docker_host: str, keys: Mapping[str, str], *, runner: ProcessRunner, say: Say) -> ImageSet:
    """Pull what Docker Hub has; make the rest upon Docker Hub's Debian."""
    docker = ("docker", "--host", docker_host)
    made = list(_pull(docker_host, [recipe for recipe in RECIPES if recipe.is_on_hub], runner=runner, say=say))
    run_checked(runner, Command(argv=(*docker, "tag", find_recipe(BASE).tags[0], find_recipe(BASE).image)))
    maker = _Maker(docker_host=docker_host, keys=keys, certificates=(), runner=runner, say=say, names_only=True)
    for name in ("docker-cli", "docker-dind", "codebuild"):
        if not _is_made(docker_host, find_recipe(name), keys[name], runner):
            maker.make(find_recipe(name))
            made.append(name)
    return ImageSet(from_hub=True, made=tuple(made))


def _pull(docker_host: str, recipes: Sequence[Recipe], *, runner: ProcessRunner, say: Say) -> tuple[str, ...]:
    """Pull the first tag of those that are not there; gives their names."""
    docker = ("docker", "--host", docker_host)
    pulled = []
    for recipe in recipes:
        tag = recipe.tags[0]
        if runner.run(Command(argv=(*docker, "image", "inspect", tag))).exit_code != 0:
            started = time.monotonic()
            run_checked(runner, Command(argv=(*docker, "pull", "--quiet", tag)))
            say(f"image {tag}: pulled in {time.monotonic() - started:.0f} s")
            pulled.append(recipe.name)
    return tuple(pulled)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    docker_host: str
    keys: Mapping[str, str]
    certificates: Sequence[str]
    runner: ProcessRunner
    say: Say
    names_only: bool = False  # keep off names that Docker Hub's own images have

    def make_all(self, recipes: Sequence[Recipe]) -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            futures: dict[str, Future[None]] = {}
            for recipe in recipes:
                futures[recipe.name] = pool.submit(self._make_after, futures.get(recipe.parent), recipe)
            for future in futures.values():
                future.result()

    def _make_after(self, parent: Future[None] | None, recipe: Recipe) -> None:
        if parent is not None:
            parent.result()
        self.make(recipe)

    def make(self, recipe: Recipe) -> None:
        started = time.monotonic()
        label = f"{KEY_LABEL}={self.keys[recipe.name]}"
        if recipe.suite:
            make_base(
                self.docker_host,
                recipe=recipe,
                label=label,
                certificates=self.certificates,
                runner=self.runner,
                say=self.say,
            )
        else:
            arguments = [f"--build-arg={name}={value}" for name, value in recipe.arguments.items()]
            self._docker("build", "--quiet", *arguments, "--label", label, "--tag", recipe.image, str(recipe.source))
        tags = () if self.names_only and recipe.is_on_hub else (*recipe.tags, *self._full_version_tags(recipe))
        for tag in tags:
            self._docker("tag", recipe.image, tag)
        size = int(self._docker("image", "inspect", "--format", "{{.Size}}", recipe.image))
        name = tags[0] if tags else recipe.image
        self.say(f"image {name}: made in {time.monotonic() - started:.0f} s, {size / 1e6:.0f} MB")

    def _full_version_tags(self, recipe: Recipe) -> tuple[str, ...]:
        """docker:26.1.5-cli and the like: what exactly the packages gave."""
        repository, _, tag = recipe.tags[0].partition(":")
        if repository != "docker":
            return ()
        said = self._docker("run", "--rm", "--network", "none", "--entrypoint", "docker", recipe.image, "--version")
        version = said.split()[2].partition("+")[0].rstrip(",")
        short, _, kind = tag.partition("-")
        if not version.startswith(f"{short}."):
            raise RemoteError(f"Debian's packages gave Docker {version} where the recipes say {short}")
        return (f"docker:{version}-{kind}",)

    def _docker(self, *words: str) -> str:
        argv = ("docker", "--host", self.docker_host, *words)
        return run_checked(self.runner, Command(argv=argv, env={"DOCKER_CLI_HINTS": "false"})).text


def _is_made(docker_host: str, recipe: Recipe, key: str, runner: ProcessRunner) -> bool:
    """Whether our image is there and carries that key."""
    argv = ("docker", "--host", docker_host, "image", "inspect", recipe.image)
    answer = runner.run(Command(argv=argv))
    if answer.exit_code != 0:
        return False
    labels: Mapping[str, str] = json.loads(answer.stdout)[0]["Config"]["Labels"] or {}
    return labels.get(KEY_LABEL) == key
