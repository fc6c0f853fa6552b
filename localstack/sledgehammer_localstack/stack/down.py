"""End exactly what `up` started; and forget a stack."""

import shutil
from pathlib import Path

from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.config import SECRETS_FILE, STACK_FILE, StackConfig, load_stack
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.engine.daemon import delete_engine_data, stop_engine
from sledgehammer_localstack.engine.find import ask_version
from sledgehammer_localstack.progress import Say
from sledgehammer_localstack.stack.lock import LOCK_FILE, state_lock
from sledgehammer_localstack.stack.options import LABEL
from sledgehammer_localstack.stack.ownership import other_owner
from sledgehammer_localstack.stack.servers import NO_RUNNER_FILE, stop_server

_SERVERS = ("runner", "aws", "gitlab")  # jobs end before what they talk to
_FOLDERS = {"aws", "engine", "gitlab", "logs", "processes", "runner"}
_FILES = {STACK_FILE, SECRETS_FILE, NO_RUNNER_FILE, LOCK_FILE}


def down(state_dir: Path, *, runner: ProcessRunner, say: Say) -> None:
    """End servers, containers, networks, and the engine where it is ours. Repositories, images and registries'
    content stay for the next `up`. A stack that is down already is fine."""
    if not state_dir.exists():
        return
    with state_lock(state_dir):
        _end_all(state_dir, runner=runner, say=say)


def reset(state_dir: Path, *, runner: ProcessRunner, say: Say) -> None:
    """`down`, then delete all that the stack ever stored, on the engine and in its state directory.

    Raises ConflictError, before anything is touched, when the directory holds what no stack put there."""
    if not state_dir.exists():
        return
    _refuse_foreign(state_dir)
    with state_lock(state_dir):
        _end_all(state_dir, runner=runner, say=say, with_volumes=True)
        delete_engine_data(state_dir, runner=runner)
        for path in state_dir.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        say(f"{state_dir} is empty")
    state_dir.rmdir()


def _refuse_foreign(state_dir: Path) -> None:
    """A mistyped --state-dir must not cost anybody a home directory."""
    ours = _FOLDERS | _FILES | {f"{name}.new" for name in _FILES}
    foreign = sorted(path.name for path in state_dir.iterdir() if path.name not in ours)
    if foreign:
        shown = ", ".join(foreign[:3])
        raise ConflictError(
            f"{state_dir} is no stack's directory: it holds {shown}, which no stack put there; nothing was deleted",
            hint="name the stack's own directory, or remove these yourself",
        )


def _end_all(state_dir: Path, *, runner: ProcessRunner, say: Say, with_volumes: bool = False) -> None:
    for part in _SERVERS:
        if stop_server(part, state_dir):
            say(f"{part} ended")
    try:
        _clean_engine(load_stack(state_dir), runner=runner, say=say, with_volumes=with_volumes)
    except NotFoundError:
        say("no engine was in use")
    if stop_engine(state_dir, runner=runner):
        say("the engine ended")


def _clean_engine(config: StackConfig, *, runner: ProcessRunner, say: Say, with_volumes: bool) -> None:
    if not ask_version(runner, config.docker_host):
        say(f"the engine at {config.docker_host} does not answer: what the stack has there stays")
        return
    owner = other_owner(config.network, config.state_dir, docker_host=config.docker_host, runner=runner)
    if owner is not None:
        say(f"the stack {config.name!r} on the engine is that of {owner} now: it stays")
    else:
        removed = remove_objects(config.docker_host, name=config.name, with_volumes=with_volumes)
        say(f"{removed} containers and networks removed")


def remove_objects(docker_host: str, *, name: str, with_volumes: bool) -> int:
    """Remove what carries the stack's label on the engine; says how many containers and networks it was."""
    engine = ContainerEngine(docker_host)
    label = f"{LABEL}={name}"
    containers, networks = engine.list_containers(label=label), engine.list_networks(label=label)
    for container in containers:
        engine.remove(container)
    for network in networks:
        engine.remove_network(network)
    for volume in engine.list_volumes(label=label) if with_volumes else ():
        engine.remove_volume(volume)
    return len(containers) + len(networks)
