"""A build's output into CloudWatch Logs while it happens: whole lines, secrets masked, in the service's limits."""

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sledgehammer.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
BATCH_EVENTS = 10_000
BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26
EVENT_BYTES = 262_144 - EVENT_OVERHEAD_BYTES
INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One log event; the timestamp in milliseconds since 1970."""

    timestamp: int
    text: str

    @property
    def size_bytes(self) -> int:
        return len(self.text.encode()) + EVENT_OVERHEAD_BYTES


class SecretMask:
    """Replaces secret texts by `***`; a secret of several lines is masked line by line."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, secret: Secret) -> None:
        """Mask this text from now on. Parts shorter than 3 characters stay: they would eat the log."""
        parts = {part for part in secret.reveal().splitlines() if len(part.strip()) > 2}
        self._texts = sorted({*self._texts, *parts}, key=len, reverse=True)

    def apply(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._texts:
            text = text.replace(secret, "***")
        return text


class BuildLog:
    """One stream; made with its group where they are missing. Without a group everything is dropped."""

    def __init__(self, *, group: str, stream: str, mask: SecretMask) -> None:
        self._client: CloudWatchLogsClient | None = None
        self._group = group
        self._stream = stream
        self._mask = mask
        self._open_line = b""
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._sender = threading.Thread(target=self._send_until_closed, name=f"log-{stream}", daemon=True)

    def open(self, client: "CloudWatchLogsClient") -> None:
        """Make the stream, and the group where there is none; begin to send, what came before included."""
        if not self._group:
            return
        try:
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except client.exceptions.ResourceNotFoundException:
            client.create_log_group(logGroupName=self._group)
            client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        self._client = client
        self._sender.start()

    def write(self, chunk: bytes) -> None:
        """Take a piece of output; a line is logged once it is whole."""
        with self._lock:
            *whole, self._open_line = (self._open_line + chunk).split(b"\n")
            if len(self._open_line) > EVENT_BYTES:
                whole, self._open_line = [*whole, self._open_line], b""
            for line in whole:
                self._add(line.decode(errors="replace"))

    def say(self, words: str) -> None:
        """A line of CodeBuild's own."""
        self.end_line()
        stamp = datetime.now(UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        with self._lock:
            for number, line in enumerate(words.rstrip("\n").split("\n")):
                self._add(line if number else f"[Container] {stamp} {line}")

    def end_line(self) -> None:
        """What was written without a line end is a line now."""
        with self._lock:
            if self._open_line:
                self._add(self._open_line.decode(errors="replace"))
                self._open_line = b""

    def close(self) -> None:
        """Send what is left and end."""
        self.end_line()
        self._closed.set()
        if self._sender.ident is not None:
            self._sender.join()

    def _add(self, text: str) -> None:
        now = int(datetime.now(UTC).timestamp() * 1000)
        masked = self._mask.apply(text)
        self._lines += [Line(timestamp=now, text=part) for part in _parts(masked + "\n")]

    def _send_until_closed(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closed.wait(INTERVAL_S)
            with self._lock:
                lines, self._lines = self._lines, []
            for batch in batches(lines):
                self._send(batch)

    def _send(self, batch: list[Line]) -> None:
        assert self._client is not None  # noqa: S101 - the sender starts with it
        events: list[InputLogEventTypeDef] = [{"timestamp": one.timestamp, "message": one.text} for one in batch]
        try:
            self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            log.warning("%d lines of log stream %s are lost: %s", len(batch), self._stream, error)


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines in order, in batches that PutLogEvents takes."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == BATCH_EVENTS or size + line.size_bytes > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += line.size_bytes
    if batch:
        yield batch


def _parts(text: str) -> Iterator[str]:
    """A text in parts that fit an event; a character is at most 4 bytes."""
    step = EVENT_BYTES // 4 if len(text.encode()) > EVENT_BYTES else len(text)
    for start in range(0, len(text), step):
        yield text[start : start + step]
