"""The registry that holds ECR's bytes: an OCI registry of its own, reached by nobody but this endpoint."""

import http.client
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sledgehammer.errors import RemoteError
from sledgehammer_localstack.aws.ecr.manifest import Manifest

CHUNK_BYTES = 256 * 1024
TIMEOUT_S = 300


class StorageRefusedError(RemoteError):
    """The storage took a manifest to be incomplete; `body` is its OCI error document."""

    def __init__(self, message: str, *, status: int, body: bytes) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class StorageBody:
    """The chunks of an answer; closes its connection at the end, or when told to, read or not."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            while chunk := self._answer.read(CHUNK_BYTES):
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        """May be called again."""
        self._answer.close()
        self._connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAnswer:
    """An answer whose body is read as it is sent on."""

    status: int
    headers: Mapping[str, str]
    body: StorageBody = field(repr=False)


class Storage:
    """Speaks the distribution protocol to `address` (host:port), plain HTTP, without credentials."""

    def __init__(self, address: str) -> None:
        self._address = address

    def forward(
        self, method: str, path: str, *, headers: Mapping[str, str], body: Iterable[bytes] | None
    ) -> StorageAnswer:
        """One request with a streamed body; a body without Content-Length goes out chunked. Raises RemoteError."""
        connection = self._connect()
        try:
            is_chunked = body is not None and "Content-Length" not in headers
            framing = {"Transfer-Encoding": "chunked"} if is_chunked else {}
            connection.request(method, path, body=body, headers={**headers, **framing}, encode_chunked=is_chunked)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise RemoteError(f"{method} {path} at the ECR storage {self._address}: {error}") from error
        return StorageAnswer(
            status=answer.status, headers=dict(answer.getheaders()), body=StorageBody(connection, answer)
        )

    def put_manifest(self, repository: str, manifest: Manifest) -> None:
        """Store by digest. Raises StorageRefusedError where blobs are missing."""
        path = f"/v2/{repository}/manifests/{manifest.digest}"
        headers = {"Content-Type": manifest.media_type, "Content-Length": str(len(manifest.body))}
        answer = self.forward("PUT", path, headers=headers, body=[manifest.body])
        said = b"".join(answer.body)
        if answer.status != 201:
            words = said.decode(errors="replace")
            raise StorageRefusedError(f"the manifest is refused: {words}", status=answer.status, body=said)

    def blob_size(self, repository: str, digest: str) -> int | None:
        """Its size in bytes; None where it is not there."""
        answer = self.forward("HEAD", f"/v2/{repository}/blobs/{digest}", headers={}, body=None)
        answer.body.close()
        return int(answer.headers["Content-Length"]) if answer.status == 200 else None

    def _connect(self) -> http.client.HTTPConnection:
        host, _, port = self._address.rpartition(":")
        return http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
