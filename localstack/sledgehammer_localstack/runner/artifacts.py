"""Artifacts of a job: those it starts with, from earlier jobs, and those it leaves."""

import tempfile
from functools import partial
from pathlib import Path

from sledgehammer.errors import NotFoundError
from sledgehammer_localstack.runner.api import RunnerApi
from sledgehammer_localstack.runner.archives import Collected, Selection, join_files, unzip_into, zip_files
from sledgehammer_localstack.runner.executor import Executor
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.payload import ArtifactOrder, Dependency, JobTicket
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.variables import JobVariables

_SUFFIX = {"zip": ".zip", "gzip": ".gz", "raw": ""}


def download_dependency(dependency: Dependency, *, api: RunnerApi, executor: Executor, trace: JobTrace) -> None:
    """Unpack an earlier job's archive into the project directory. Raises JobFailedError when it is gone."""
    trace.note(f"Downloading artifacts for {dependency.name} ({dependency.id})...")
    with tempfile.TemporaryFile() as archive:
        try:
            api.download(dependency, archive)
        except NotFoundError as error:
            raise JobFailedError(error.message, reason=FailureReason.SYSTEM) from error
        archive.seek(0)
        executor.put(partial(unzip_into, archive))


def upload_artifacts(
    order: ArtifactOrder,
    *,
    job: JobTicket,
    variables: JobVariables,
    api: RunnerApi,
    executor: Executor,
    trace: JobTrace,
    tracked: frozenset[str],
) -> None:
    """Collect what the order selects and upload it; finding nothing is a warning, as on GitLab."""
    name = _filename(order, variables)
    trace.note(f"Uploading artifacts as {order.type}...")
    selection = Selection(
        paths=tuple(variables.expand(path) for path in order.paths),
        exclude=tuple(variables.expand(path) for path in order.exclude),
        tracked=tracked if order.with_untracked else None,
    )
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "upload"
        collected = _write(order, executor, selection, target)
        for pattern in collected.unmatched:
            trace.warn(f"{pattern}: no matching files")
        if collected.count == 0:
            trace.warn("there are no files to upload")
            return
        trace.note(f"{name}: found {collected.count} matching files and directories")
        api.upload(job, order, filename=name, path=target)


def _write(order: ArtifactOrder, executor: Executor, selection: Selection, target: Path) -> Collected:
    if order.format == "zip":
        return zip_files(executor, selection, target)
    return join_files(executor, selection, target, is_gzipped=order.format == "gzip")


def _filename(order: ArtifactOrder, variables: JobVariables) -> str:
    default = "artifacts" if order.type == "archive" else order.type
    name = variables.expand(order.name) or default
    return name.replace("/", "_") + _SUFFIX[order.format]
