"""Job logs as files that grow by the runner's ranges."""

from pathlib import Path

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.records import Job
from sledgehammer_localstack.gitlab.services import Services


def trace_file(services: Services, job_id: int) -> Path:
    """Where a job's log lies; it may not exist yet."""
    return services.job_dir(job_id) / "trace.log"


def read_trace(services: Services, job_id: int) -> bytes:
    """The whole log, empty before the first line."""
    path = trace_file(services, job_id)
    return path.read_bytes() if path.exists() else b""


def append_trace(services: Services, job: Job, start: int, data: bytes) -> tuple[bool, int]:
    """Add bytes that begin at `start`. Gives whether they fitted and the log's size now: bytes that would leave a gap
    or overlap are not taken, the runner then sends from the size on."""
    with services.store.transaction():
        size = services.store.count("SELECT trace_size FROM jobs WHERE id = ?", job.id)
        if start != size:
            return False, size
        services.store.update("jobs", job.id, trace_size=size + len(data), heard_at=timestamps.now())
        path = trace_file(services, job.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.truncate(size)  # what a server that died in the middle had written already
            file.write(data)
        return True, size + len(data)
