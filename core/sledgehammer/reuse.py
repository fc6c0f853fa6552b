"""Images that are there already, found before anything is triggered: the job's own question, asked from here."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sledgehammer.checkout import Checkout
from sledgehammer.context import CommitTree, KeyRecipe, NoKey, content_key
from sledgehammer.destination import Destination
from sledgehammer.errors import ConfigurationError, NotFoundError, SledgehammerError
from sledgehammer.explain.record import parse_record
from sledgehammer.image_key import image_recipe, known_platform
from sledgehammer.outcome import BuiltImage
from sledgehammer.ports import RegistryOwner
from sledgehammer.process import ProcessRunner
from sledgehammer.project import Project
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifests import find_digest
from sledgehammer.registry.records import branch_record, read_record
from sledgehammer.registry.reference import DOCKER_HUB, Reference, is_digest, parse_reference
from sledgehammer.registry.repositories import ImageRepositories, expand_text
from sledgehammer.registry.tags import tag_manifest

log = logging.getLogger(__name__)

HUB_MIRROR_VARIABLE = "SLEDGE_HUB_MIRROR"
"""URL of a mirror that is asked in Docker Hub's place."""

KEY_LENGTH = 32
"""Hexadecimal digits of a content key that its tag holds, in `shell/reuse.sh` too."""


def key_tag(key: str) -> str:
    """The tag that protected branches give an image of that content."""
    return f"key-{key[:KEY_LENGTH]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An image of the right content."""

    name: str
    repository: Reference
    digest: str


def reuse_images(
    project: Project,
    checkout: Checkout,
    owner: RegistryOwner,
    destination: Destination,
    *,
    processes: ProcessRunner,
    variables: Mapping[str, str],
) -> tuple[BuiltImage, ...]:
    """Tag all images of the checkout's commit by digest, where all of them were built before of the same content; ()
    where one was not, or where this cannot be known from here: then a job has to run.

    Only what protected branches built is trusted. Where the provider does not know the platform of the machines that
    build, it is taken to be that of the last build. Raises ConflictError where a trigger would.
    """
    tag = owner.commit_tag()
    try:
        repositories = owner.image_repositories()
        with RegistryClient(owner.registry()) as client:
            known = known_platform(project, destination.platform)
            platforms = {
                image.name: known or _seen_platform(repositories[image.name], owner, destination, client)
                for image in project.images
            }
            if not all(platforms.values()):
                return ()
            bases = BaseDigests(client, mirror=variables.get(HUB_MIRROR_VARIABLE, ""))
            tree = CommitTree(root=project.root, commit=checkout.commit, processes=processes, prefix=checkout.prefix)
            found = [_find(image, client, bases) for image in _wanted(project, tree, repositories, platforms)]
            built = [one for one in found if one is not None]
            if not built or len(built) < len(project.images):
                return ()
            return tuple(_tag(one, tag, client) for one in built)
    except SledgehammerError as error:
        log.warning("whether the images were built before cannot be told from here, so a job runs: %s", error.message)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """One image and what its key needs."""

    name: str
    repository: Reference
    recipe: KeyRecipe
    tree: CommitTree


def _seen_platform(
    repositories: ImageRepositories, owner: RegistryOwner, destination: Destination, client: RegistryClient
) -> str:
    """Of the image's last build on the branch, else on the default branch; "" where there is no record of one."""
    for slug in dict.fromkeys([owner.branch_slug(), expand_text(destination.default_branch, {})]):
        try:
            return parse_record(read_record(client, branch_record(repositories.cache, slug))).platform
        except (NotFoundError, ConfigurationError) as error:
            log.info("%s", error.message)
    return ""


def _wanted(
    project: Project, tree: CommitTree, repositories: Mapping[str, ImageRepositories], platforms: Mapping[str, str]
) -> list[_Wanted]:
    wanted = []
    for image in project.images:
        recipe = image_recipe(project, image, tree, platform=platforms[image.name])
        if isinstance(recipe, NoKey):
            log.info("image %s: no content key: %s", image.name, recipe.reason)
            continue
        repository = repositories[image.name].image
        wanted.append(_Wanted(name=image.name, repository=repository, recipe=recipe, tree=tree))
    return wanted


def _find(image: _Wanted, client: RegistryClient, bases: "BaseDigests") -> _Found | None:
    key = content_key(image.recipe, image.tree, {base: bases.digest(base) for base in image.recipe.base_images})
    if isinstance(key, NoKey):
        log.info("image %s: no content key: %s", image.name, key.reason)
        return None
    digest = find_digest(client, image.repository.with_tag(key_tag(key)))
    return None if digest is None else _Found(name=image.name, repository=image.repository, digest=digest)


def _tag(found: _Found, tag: str, client: RegistryClient) -> BuiltImage:
    target = found.repository.with_tag(tag)
    if find_digest(client, target) != found.digest:
        tag_manifest(client, found.repository.with_digest(found.digest), target)
    reference = str(found.repository.with_digest(found.digest))
    return BuiltImage(image=found.name, reference=reference, cached_steps=0, total_steps=0, is_reused=True)


class BaseDigests:
    """Digests of base images, asked once each: of the images' own registry with its credentials, else anonymously."""

    def __init__(self, client: RegistryClient, *, mirror: str) -> None:
        self._client = client
        self._mirror = urlsplit(mirror) if mirror else None
        self._known: dict[str, str] = {}

    def digest(self, reference: str) -> str:
        """Such as sha256:…; "" where there is no such image. Raises what a registry raises."""
        if reference not in self._known:
            self._known[reference] = self._ask(parse_reference(reference))
        return self._known[reference]

    def _ask(self, reference: Reference) -> str:
        if is_digest(reference.digest):
            return reference.digest
        if reference.host == self._client.access.host:
            return find_digest(self._client, reference) or ""
        access = RegistryAccess(host=reference.host)
        if reference.host == DOCKER_HUB and self._mirror is not None:
            access = RegistryAccess(host=self._mirror.netloc, is_plain_http=self._mirror.scheme == "http")
            reference = replace(reference, host=access.host)
        with RegistryClient(access) as client:
            return find_digest(client, reference) or ""
