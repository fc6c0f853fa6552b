"""The log of one build, read forward from CloudWatch Logs as it grows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sledgehammer.errors import NotFoundError
from sledgehammer.ports import OnLog
from sledgehammer_aws.client import Calls, Clients

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef


class BuildLog:
    """A cursor in a log stream, independent of the build's status: lines come late, and pages may be empty."""

    def __init__(self, clients: Clients, calls: Calls, *, on_log: OnLog) -> None:
        self._clients = clients
        self._calls = calls
        self._on_log = on_log
        self._token = ""

    def read_new(self, group: str, stream: str) -> list[str]:
        """Hand over and give the lines that were not seen yet; none while there is no such stream."""
        if not (group and stream):
            return []
        lines = []
        for page in self._pages(group, stream):
            for line in _lines(page):
                self._on_log(line)
                lines.append(line)
        return lines

    def _pages(self, group: str, stream: str) -> Iterator["GetLogEventsResponseTypeDef"]:
        """The end is a page that gives back the token it was asked with (API reference, GetLogEvents)."""
        while True:
            try:
                page = self._read(group, stream)
            except NotFoundError:
                return
            yield page
            if page["nextForwardToken"] == self._token:
                return
            self._token = page["nextForwardToken"]

    def _read(self, group: str, stream: str) -> "GetLogEventsResponseTypeDef":
        logs, token = self._clients.logs, self._token
        if not token:
            return self._calls.send(
                f"logs:GetLogEvents {stream}",
                lambda: logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True),
            )
        return self._calls.send(
            f"logs:GetLogEvents {stream}",
            lambda: logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, nextToken=token),
        )


def _lines(page: "GetLogEventsResponseTypeDef") -> Iterator[str]:
    for event in page["events"]:
        for line in event.get("message", "").rstrip("\n").split("\n"):
            yield line.rstrip("\r")
