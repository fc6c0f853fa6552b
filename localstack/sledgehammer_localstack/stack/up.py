"""Bring a stack up; again and again, from any state in between."""

from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.config import StackConfig, StackSecrets, load_stack, save_stack
from sledgehammer_localstack.engine import ensure_engine
from sledgehammer_localstack.engine.buildx_files import write_buildx_files
from sledgehammer_localstack.engine.find import Engine, ensure_privileged
from sledgehammer_localstack.engine.nested import write_nested_configuration
from sledgehammer_localstack.images.make import ImageSet, ensure_images
from sledgehammer_localstack.images.on_request import find_recipe
from sledgehammer_localstack.images.recipes import BASE, DOCKER_VERSION, RECIPES
from sledgehammer_localstack.progress import Say
from sledgehammer_localstack.registry.containers import (
    ECR_PLACE,
    GITLAB_PLACE,
    MIRROR_PLACE,
    PORT,
    ensure_registry,
    registries,
)
from sledgehammer_localstack.registry.seed import seed_mirror
from sledgehammer_localstack.stack.credentials import ensure_secrets
from sledgehammer_localstack.stack.lock import state_lock
from sledgehammer_localstack.stack.network import StackNetwork, ensure_network, network_name
from sledgehammer_localstack.stack.options import LABEL, STATE_DIR_LABEL, StackOptions
from sledgehammer_localstack.stack.ownership import other_owner
from sledgehammer_localstack.stack.servers import NO_RUNNER_FILE, servers, start_servers, stop_server

GITLAB_PORT = 8929
AWS_PORT = 4566


def up(options: StackOptions, *, runner: ProcessRunner, say: Say) -> StackConfig:
    """Have all parts of the stack running and answering; does nothing for those that are.

    Raises MissingToolError when this machine lacks something that we may not install, ConflictError when the
    state directory belongs to a stack of another name or the name, on this engine, to another state directory,
    RemoteError when a part does not come up."""
    with state_lock(options.state_dir):
        options.state_dir.chmod(0o711)  # sockets and logs below have modes of their own
        config = prepare(options, runner=runner, say=say)
        _remember_runner(options)
        start_servers(servers(config, with_runner=options.with_runner), options.state_dir, say=say)
        return config


def _remember_runner(options: StackOptions) -> None:
    """Say in the state directory whether our own runner belongs to the stack; end one that no longer does."""
    flag = options.state_dir / NO_RUNNER_FILE
    if options.with_runner:
        flag.unlink(missing_ok=True)
    else:
        flag.touch()
        stop_server("runner", options.state_dir)


def prepare(options: StackOptions, *, runner: ProcessRunner, say: Say) -> StackConfig:
    """All that the servers stand on: engine, images, network, registries, configuration, credentials."""
    before = _earlier(options)
    secrets = ensure_secrets(options.state_dir)
    engine = ensure_engine(options.state_dir, runner=runner, say=say)
    _refuse_taken_name(options, engine, runner)
    images = ensure_images(engine.docker_host, runner=runner, say=say)
    if not engine.is_owned:
        ensure_privileged(runner, engine, image=find_recipe(BASE).image)
    network = ensure_network(
        network_name(options.name),
        labels=_labels(options),
        docker_host=engine.docker_host,
        runner=runner,
        wanted_subnet=before.subnet if before else "",
    )
    config = _configuration(options, engine, network, images)
    save_stack(config)
    write_nested_configuration(config)
    write_buildx_files(config)
    _start_registries(options, config, secrets, runner=runner, say=say)
    return config


def _start_registries(
    options: StackOptions, config: StackConfig, secrets: StackSecrets, *, runner: ProcessRunner, say: Say
) -> None:
    for registry in registries(config, secrets):
        ensure_registry(registry, config, labels=_labels(options), runner=runner)
        if registry.address == config.mirror_address:
            seed_mirror(
                [recipe for recipe in RECIPES if recipe.is_mirrored],
                docker_host=config.docker_host,
                container=registry.container(config.name),
                runner=runner,
                say=say,
            )


def _configuration(options: StackOptions, engine: Engine, network: StackNetwork, images: ImageSet) -> StackConfig:
    return StackConfig(
        name=options.name,
        state_dir=options.state_dir,
        docker_host=engine.docker_host,
        network=network.name,
        subnet=network.subnet,
        gateway=network.gateway,
        gitlab_port=GITLAB_PORT,
        aws_port=AWS_PORT,
        registry_address=f"{network.address(GITLAB_PLACE)}:{PORT}",
        ecr_storage_address=f"{network.address(ECR_PLACE)}:{PORT}",
        mirror_address="" if images.from_hub else f"{network.address(MIRROR_PLACE)}:{PORT}",
        docker_version=DOCKER_VERSION,
    )


def _earlier(options: StackOptions) -> StackConfig | None:
    try:
        before = load_stack(options.state_dir)
    except NotFoundError:
        return None
    if before.name != options.name:
        raise ConflictError(
            f"{options.state_dir} belongs to the stack {before.name!r}, not to {options.name!r}",
            hint="choose another --state-dir, or leave --name out",
        )
    return before


def _refuse_taken_name(options: StackOptions, engine: Engine, runner: ProcessRunner) -> None:
    network = network_name(options.name)
    owner = other_owner(network, options.state_dir, docker_host=engine.docker_host, runner=runner)
    if owner is not None:
        raise ConflictError(
            f"the engine at {engine.docker_host} has a stack {options.name!r} already, that of {owner}",
            hint=f"choose another --name, or end that one: sledge stack down --state-dir {owner}",
        )


def _labels(options: StackOptions) -> dict[str, str]:
    return {LABEL: options.name, STATE_DIR_LABEL: str(options.state_dir)}
