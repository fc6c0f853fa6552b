"""Whose a stack on an engine is: two state directories may choose one name, and one engine."""

from pathlib import Path

from sledgehammer.process import Command, ProcessRunner
from sledgehammer_localstack.config import STACK_FILE
from sledgehammer_localstack.stack.options import STATE_DIR_LABEL


def other_owner(network: str, state_dir: Path, *, docker_host: str, runner: ProcessRunner) -> Path | None:
    """The state directory, other than this one, of the stack that has this network on the engine. None when there is
    no such network, or when whose it was was deleted without `reset`."""
    template = f'{{{{index .Labels "{STATE_DIR_LABEL}"}}}}'
    argv = ("docker", "--host", docker_host, "network", "inspect", "--format", template, network)
    answer = runner.run(Command(argv=argv))
    owner = Path(answer.text.strip() or state_dir) if answer.exit_code == 0 else state_dir
    is_other = owner.resolve() != state_dir.resolve() and (owner / STACK_FILE).exists()
    return owner if is_other else None
