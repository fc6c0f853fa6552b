"""Build records in a registry: an image of one layer, whose files are the record's."""

import io
import re
import tarfile
from collections.abc import Mapping

from sledgehammer.errors import NotFoundError, RemoteError
from sledgehammer.registry.blobs import get_blob
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.manifests import get_manifest
from sledgehammer.registry.reference import Reference

MAX_RECORD_BYTES = 64 * 1024 * 1024
RUN_LENGTH = 100


def branch_record(cache: Reference, branch_slug: str) -> Reference:
    """The newest record of a branch."""
    return cache.with_tag(f"record_{branch_slug}")


def run_record(cache: Reference, run_id: str) -> Reference:
    """The record of one run; of its id the tag holds what `sledge_run_tag` in shell/build_record.sh leaves of it."""
    return cache.with_tag("record_run_" + re.sub(r"[^A-Za-z0-9_.-]", "-", run_id)[-RUN_LENGTH:])


def read_record(client: RegistryClient, reference: Reference) -> Mapping[str, bytes]:
    """The files of a record by name. Raises NotFoundError where there is none, RemoteError for what is no record."""
    try:
        manifest = get_manifest(client, reference)
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no build record {reference}",
            hint="a build leaves one when it may write: run one first, or name another run",
        ) from error
    files: dict[str, bytes] = {}
    for layer in manifest.layers:
        content = get_blob(client, reference, layer.digest)
        try:
            files.update(_unpack(content))
        except (tarfile.TarError, EOFError, OSError) as error:
            raise RemoteError(f"{reference} is no build record: {error}", hint="name another run") from error
    return files


def _unpack(layer: bytes) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    left = MAX_RECORD_BYTES
    with tarfile.open(fileobj=io.BytesIO(layer), mode="r:*") as tar:
        for member in tar:
            left -= member.size
            if left < 0:
                raise tarfile.TarError(f"it unpacks to more than {MAX_RECORD_BYTES} bytes")
            source = tar.extractfile(member) if member.isfile() else None
            if source is not None:
                files[member.name.removeprefix("./")] = source.read()
    return files
