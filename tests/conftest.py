"""One local stack for all tests marked `engine`: its own state directory and free addresses, ended afterwards.

With SLEDGEHAMMER_TEST_STATE_DIR the stack of that directory is used and left running: for quick repeats.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack import StackOptions, reset, up

PROCESSES = LocalProcessRunner()
ENGINE_FOLDERS = ("tests/e2e/", "tests/integration/")
MEMORY = Path("/dev/shm")
ROOM_BYTES = 10 * 2**30


class EngineTestsTogether(LoadScopeScheduling):
    """Engine tests share one stack, so one worker takes them all, while the other takes the quick ones, file by
    file. (`--dist loadgroup` does the same by node ids, which pytest 9.2 no longer lets a plugin change.)"""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "engine" if file.startswith(ENGINE_FOLDERS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Only asked with `--numprocesses`."""
    return EngineTestsTogether(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--on-request`: the tests marked so, too."""
    parser.addoption("--on-request", action="store_true", help="also tests whose images take long to make")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not requested; pytest counts it as deselected."""
    if config.getoption("--on-request"):
        return
    left_out = [item for item in items if item.get_closest_marker("on_request")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _make_state_dir() -> Path:
    """Short, for sockets live below it; in memory where there is room for all images, since unpacking them is most of
    what engine tests wait for."""
    memory = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    available = int(memory[1]) * 1024 if memory is not None else 0
    has_room = MEMORY.is_dir() and min(shutil.disk_usage(MEMORY).free, available) >= ROOM_BYTES
    return Path(tempfile.mkdtemp(prefix="sl-", dir=MEMORY if has_room else None))


@pytest.fixture(scope="session")
def stack() -> Iterator[StackConfig]:
    """The running stack; its engine is also what DOCKER_HOST names."""
    kept = os.environ.get("SLEDGEHAMMER_TEST_STATE_DIR")
    state_dir = Path(kept) if kept else _make_state_dir()
    name = "test-" + re.sub("[^a-z0-9]", "", state_dir.name.lower())[:20]
    try:
        running = up(StackOptions(state_dir=state_dir, name=name), runner=PROCESSES, say=say_to_stderr)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", running.docker_host)
            yield running
    finally:
        if not kept:
            reset(state_dir, runner=PROCESSES, say=say_to_stderr)
