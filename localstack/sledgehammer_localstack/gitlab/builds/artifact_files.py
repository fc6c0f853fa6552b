"""Artifacts on disk, their life, and the variables in dotenv reports."""

import gzip
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sledgehammer_localstack.ci.dotenv import MAX_SIZE_BYTES, parse_dotenv
from sledgehammer_localstack.ci.durations import duration_s
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Variable as CiVariable
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.answers import bad_request
from sledgehammer_localstack.gitlab.records import Artifact
from sledgehammer_localstack.gitlab.services import Services

CHUNK = 1 << 16
DEFAULT_LIFE_S = 30 * 24 * 3600.0  # GitLab's default for an instance


def artifact_file(services: Services, job_id: int, kind: str) -> Path:
    """Where an artifact lies."""
    return services.job_dir(job_id) / f"artifact-{kind}"


def store_artifact(
    services: Services,
    job_id: int,
    *,
    kind: str,
    file_format: str,
    filename: str,
    expire_in: str | None,
    data: IO[bytes],
) -> None:
    """Keep an uploaded artifact. The same file again is fine (a runner that missed the answer repeats itself); another
    of the same kind is a 400."""
    target = artifact_file(services, job_id, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming = target.with_suffix(".incoming")
    with incoming.open("wb") as file:
        while chunk := data.read(CHUNK):
            file.write(chunk)
    if target.exists():
        is_same = _digest(incoming) == _digest(target)
        incoming.unlink()
        if not is_same:
            raise bad_request("another artifact of the same type already exists")
        return
    if kind == "dotenv":
        read_dotenv(incoming)
    incoming.replace(target)
    services.store.insert(
        "artifacts",
        job_id=job_id,
        kind=kind,
        format=file_format,
        filename=filename,
        size=target.stat().st_size,
        expires_at=expiry(expire_in),
    )


def expiry(expire_in: str | None) -> str | None:
    """When an artifact ends: `never` is None."""
    if expire_in is None:
        return timestamps.in_seconds(DEFAULT_LIFE_S)
    if expire_in == "never":
        return None
    return timestamps.in_seconds(duration_s(expire_in, "expire_in"))


def archive_of(services: Services, job_id: int) -> Artifact | None:
    """A job's archive while it has not expired."""
    query = "SELECT * FROM artifacts WHERE job_id = ? AND kind = 'archive'"
    found = services.store.one(Artifact, query, job_id)
    if found is None or (found.expires_at is not None and found.expires_at <= timestamps.now()):
        return None
    return found


def stream_file(path: Path) -> Iterator[bytes]:
    """A file in pieces."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def archive_member(path: Path, name: str) -> bytes | None:
    """One file of an archive, None where it holds none of this name."""
    with zipfile.ZipFile(path) as archive:
        try:
            return archive.read(name)
        except KeyError:
            return None


def dotenv_variables(services: Services, job_id: int) -> tuple[CiVariable, ...]:
    """The variables of a job's dotenv report; none where it left none."""
    path = artifact_file(services, job_id, "dotenv")
    return read_dotenv(path) if path.exists() else ()


def read_dotenv(path: Path) -> tuple[CiVariable, ...]:
    """Read a gzipped dotenv report. 400 for anything else."""
    try:
        with gzip.open(path) as file:
            return parse_dotenv(file.read(MAX_SIZE_BYTES + 1).decode(errors="replace"))
    except (OSError, EOFError):
        raise bad_request("The dotenv report is not a gzip file") from None
    except CiConfigError as error:
        raise bad_request(error.sentences[0]) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
