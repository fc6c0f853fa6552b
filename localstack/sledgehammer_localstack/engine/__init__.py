"""The Docker engine under the stack: one that is there, else one of our own."""

from pathlib import Path

from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.engine.daemon import is_engine_running, start_engine
from sledgehammer_localstack.engine.find import Engine, find_engine
from sledgehammer_localstack.progress import Say

__all__ = ["Engine", "ensure_engine"]


def ensure_engine(state_dir: Path, *, runner: ProcessRunner, say: Say) -> Engine:
    """The state directory's own engine when it runs, else one that is reachable, else a new one of our own.

    Raises MissingToolError, with the command that helps, where none can be started."""
    if not is_engine_running(state_dir):
        found = find_engine(runner)
        if found is not None:
            return found
    return start_engine(state_dir, runner=runner, say=say)
