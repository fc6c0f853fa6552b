"""The runner's own cache: one zip for each project and key, on this machine."""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sledgehammer_localstack.runner.archives import Selection, unzip_into, zip_files
from sledgehammer_localstack.runner.executor import Executor
from sledgehammer_localstack.runner.failure import unsupported
from sledgehammer_localstack.runner.payload import CacheOrder
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.variables import JobVariables

_POLICIES = ("pull-push", "pull", "push")


class CacheStore:
    """Caches of one project below `directory`. A key becomes a file name that cannot leave it."""

    def __init__(self, directory: Path, *, project_id: int) -> None:
        self._directory = directory / f"project-{project_id}"

    def path(self, key: str) -> Path:
        """Where the archive of a key lies, whether or not there is one."""
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", key)[:60]
        return self._directory / f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.zip"


def restore_cache(
    order: CacheOrder, *, variables: JobVariables, store: CacheStore, executor: Executor, trace: JobTrace
) -> None:
    """Unpack the archive of the first key that has one: the cache's own, its fallback keys, CACHE_FALLBACK_KEY."""
    keys = [order.key, *order.fallback_keys, variables.get("CACHE_FALLBACK_KEY")]
    for key in filter(None, (variables.expand(key) for key in keys)):
        trace.note(f"Checking cache for {key}...")
        archive = store.path(key)
        if archive.exists():
            executor.put(partial(unzip_into, archive))
            trace.note("Successfully extracted cache")
            return
    trace.warn("no cache was found")


def save_cache(
    order: CacheOrder,
    *,
    variables: JobVariables,
    store: CacheStore,
    executor: Executor,
    trace: JobTrace,
    tracked: frozenset[str],
) -> None:
    """Replace the archive of the cache's key by what its paths hold now; nothing found leaves it as it is."""
    key = variables.expand(order.key)
    trace.note(f"Creating cache {key}...")
    target = store.path(key)
    target.parent.mkdir(parents=True, exist_ok=True)
    selection = Selection(
        paths=tuple(variables.expand(path) for path in order.paths),
        tracked=tracked if order.with_untracked else None,
    )
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / "cache.zip"
        collected = zip_files(executor, selection, fresh)
        for pattern in collected.unmatched:
            trace.warn(f"{pattern}: no matching files")
        if collected.count == 0:
            trace.warn(f"cache {key} is not saved: there are no files to keep")
            return
        os.replace(fresh, target)  # noqa: PTH105 - one step: a job that reads meanwhile sees the old one whole
    trace.note(f"Created cache ({collected.count} files and directories)")


def with_policy(orders: Sequence[CacheOrder], verb: str, *, variables: JobVariables) -> tuple[CacheOrder, ...]:
    """The caches to `pull` or to `push`. Raises JobFailedError for a policy that is not known."""
    for order in orders:
        policy = variables.expand(order.policy)
        if policy not in _POLICIES:
            raise unsupported(f"cache policy `{policy}` (known: {', '.join(_POLICIES)})")
    return tuple(order for order in orders if verb in variables.expand(order.policy).split("-"))
