"""Fill the Docker Hub mirror with the images we made, under the names they have on Docker Hub."""

from collections.abc import Sequence

import requests

from sledgehammer.errors import RemoteError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.images.recipes import Recipe
from sledgehammer_localstack.progress import Say
from sledgehammer_localstack.registry.containers import PORT

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_TIMEOUT_S = 30


def seed_mirror(
    recipes: Sequence[Recipe], *, docker_host: str, container: str, runner: ProcessRunner, say: Say
) -> tuple[str, ...]:
    """Push what the mirror does not hold yet; gives the tags that were pushed. The mirror is reached on
    127.0.0.1: an engine that is not ours pushes there without configuration, too."""
    docker = ("docker", "--host", docker_host)
    published = run_checked(runner, Command(argv=(*docker, "port", container, str(PORT)))).text.splitlines()[0]
    pushed: list[str] = []
    for recipe in recipes:
        stale = [tag for tag in recipe.tags if not _holds(published, tag, recipe, docker, runner)]
        if not stale:
            continue
        say(f"mirror: pushing {recipe.tags[0]}")
        first, *others = stale
        _push(published, first, recipe, docker, runner)
        for tag in others:
            _tag_remotely(published, first, tag)
        pushed += stale
    return tuple(pushed)


def _holds(mirror: str, tag: str, recipe: Recipe, docker: Sequence[str], runner: ProcessRunner) -> bool:
    """Whether the tag's manifest there names our image's configuration, whose digest is the image's id."""
    argv = (*docker, "image", "inspect", "--format", "{{.Id}}", recipe.image)
    image_id = run_checked(runner, Command(argv=argv)).text
    answer = requests.get(_manifest_url(mirror, tag), headers={"Accept": _MANIFEST}, timeout=_TIMEOUT_S)
    return answer.status_code == 200 and answer.json().get("config", {}).get("digest") == image_id


def _push(mirror: str, tag: str, recipe: Recipe, docker: Sequence[str], runner: ProcessRunner) -> None:
    target = f"{mirror}/{_repository(tag)}"
    run_checked(runner, Command(argv=(*docker, "tag", recipe.image, target)))
    try:
        run_checked(runner, Command(argv=(*docker, "push", "--quiet", target)))
    finally:
        runner.run(Command(argv=(*docker, "rmi", "--no-prune", target)))


def _tag_remotely(mirror: str, source: str, target: str) -> None:
    """Give a manifest a further tag; its layers are there (OCI distribution specification, "Pushing Manifests")."""
    fetched = requests.get(_manifest_url(mirror, source), headers={"Accept": _MANIFEST}, timeout=_TIMEOUT_S)
    stored = requests.put(
        _manifest_url(mirror, target),
        data=fetched.content,
        headers={"Content-Type": fetched.headers.get("Content-Type", _MANIFEST)},
        timeout=_TIMEOUT_S,
    )
    if stored.status_code != 201:
        raise RemoteError(f"tagging {source} as {target} in the mirror: HTTP {stored.status_code} {stored.text}")


def _manifest_url(mirror: str, tag: str) -> str:
    name, _, version = _repository(tag).partition(":")
    return f"http://{mirror}/v2/{name}/manifests/{version}"


def _repository(tag: str) -> str:
    """Docker Hub's own images stand below library/."""
    return tag if "/" in tag else f"library/{tag}"
