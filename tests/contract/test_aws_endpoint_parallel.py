"""Requests that come to the local AWS at the same time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_account import ACCOUNT, REGION, fresh_account
from moto.logs.models import logs_backends

A_MOMENT_S = 0.3


class WaitedFor(dict[str, Any]):
    """What iterates over it waits at its first item until it is told to go on, but for a moment only."""

    def __init__(self, items: dict[str, Any]) -> None:
        super().__init__(items)
        self.is_read, self.may_go_on = threading.Event(), threading.Event()

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        for value in super().values():
            self.is_read.set()
            self.may_go_on.wait(A_MOMENT_S)
            yield value


def test_what_is_made_while_all_is_listed_breaks_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when many applies run at once: each looks for its objects by tags while the others make theirs."""
    with fresh_account() as account, ThreadPoolExecutor(2) as pool:
        logs, tagging = account.client("logs"), account.client("resourcegroupstaggingapi")
        logs.create_log_group(logGroupName="one", tags={"by": "us"})
        backend = logs_backends[ACCOUNT][REGION]
        groups = WaitedFor(backend.groups)
        monkeypatch.setattr(backend, "groups", groups)
        listed = pool.submit(tagging.get_resources)
        groups.is_read.wait(10)
        made = pool.submit(logs.create_log_group, logGroupName="two", tags={"by": "us"})
        made.add_done_callback(lambda _: groups.may_go_on.set())
        assert [one["ResourceARN"].rpartition(":")[2] for one in listed.result()["ResourceTagMappingList"]] == ["one"]
        made.result()
        assert len(tagging.get_resources()["ResourceTagMappingList"]) == 2
