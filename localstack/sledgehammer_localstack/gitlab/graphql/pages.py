"""Connections: a page of a list with GitLab's opaque cursors, a hundred entries at most whatever is asked."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graphql import GraphQLError

from sledgehammer_localstack.gitlab.graphql.complexity import MAX_PAGE_SIZE

Item = TypeVar("Item")
Object = dict[str, Any]
"""Fields by their names; one that is costly or takes arguments is a function, called when it is asked for."""


def connection(
    items: Sequence[Item],
    present: Callable[[Item], Object],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
) -> Object:
    """One page. Raises GraphQLError for a negative size or a cursor that this server did not give."""
    if any(size is not None and size < 0 for size in (first, last)):
        raise GraphQLError("first and last must not be negative")
    start = 0 if after is None else _place(after) + 1
    end = len(items) if before is None else min(_place(before), len(items))
    if last is not None and first is None:
        start = max(start, end - min(last, MAX_PAGE_SIZE))
    else:
        end = min(end, start + min(MAX_PAGE_SIZE if first is None else first, MAX_PAGE_SIZE))
    shown = items[start:end]
    return {
        "nodes": lambda _info: [present(item) for item in shown],
        "pageInfo": {
            "startCursor": _cursor(start) if shown else None,
            "endCursor": _cursor(end - 1) if shown else None,
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
        },
    }


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"entry {place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("entry "))
    except (binascii.Error, ValueError):
        raise GraphQLError("Please provide a valid cursor") from None
