"""Images that no stack has unless somebody asks: engines of other ages, BuildKit, bases of further languages."""

from collections.abc import Sequence

from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.images.make import ensure_more_images
from sledgehammer_localstack.images.on_request import find_recipe
from sledgehammer_localstack.progress import Say
from sledgehammer_localstack.registry.containers import mirror_container
from sledgehammer_localstack.registry.seed import seed_mirror


def provide_images(stack: StackConfig, names: Sequence[str], *, runner: ProcessRunner, say: Say) -> None:
    """Have the images of these recipes (of `images.on_request`) on the running stack's engine, and those that
    Dockerfiles or builders name in its mirror. Does nothing for what is there. Where Docker Hub is reachable they are
    pulled. Raises NotFoundError for a name that is no recipe's."""
    from_hub = not stack.mirror_address
    ensure_more_images(stack.docker_host, names, from_hub=from_hub, runner=runner, say=say)
    if not from_hub:
        seed_mirror(
            [recipe for recipe in map(find_recipe, names) if recipe.is_mirrored],
            docker_host=stack.docker_host,
            container=mirror_container(stack.name),
            runner=runner,
            say=say,
        )
