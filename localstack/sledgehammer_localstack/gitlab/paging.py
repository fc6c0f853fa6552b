"""Offset and keyset pagination with GitLab's headers (REST API documentation, section "Pagination")."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from sledgehammer_localstack.gitlab.answers import Json, Reply, bad_parameter
from sledgehammer_localstack.gitlab.call import Call

Item = TypeVar("Item")
MAX_PER_PAGE = 100


def paged(call: Call, items: Sequence[Item], present: Callable[[Item], Json]) -> Reply:
    """One page of `items`, by `page` and `per_page`, the total counted."""
    page, per_page = _page(call), _per_page(call)
    total_pages = max(1, -(-len(items) // per_page))
    shown = items[(page - 1) * per_page : page * per_page]
    links = {"first": 1, "last": total_pages}
    if page > 1:
        links["prev"] = min(page - 1, total_pages)
    if page < total_pages:
        links["next"] = page + 1
    headers = {
        "X-Page": str(page),
        "X-Per-Page": str(per_page),
        "X-Next-Page": str(links.get("next", "")),
        "X-Prev-Page": str(links.get("prev", "")),
        "X-Total": str(len(items)),
        "X-Total-Pages": str(total_pages),
        "Link": ", ".join(
            f'<{_url(call, {"page": str(number), "per_page": str(per_page)})}>; rel="{name}"'
            for name, number in sorted(
                links.items(), key=lambda entry: ["prev", "next", "first", "last"].index(entry[0])
            )
        ),
    }
    return Reply(payload=[present(item) for item in shown], headers=headers)


def keyset_paged(
    call: Call, items: Sequence[Item], present: Callable[[Item], Json], *, key: Callable[[Item], int]
) -> Reply:
    """One page in the order of ids, continued by the `cursor` in the Link header; no totals, as on GitLab."""
    if call.params.text("order_by") not in (None, "id"):
        raise bad_parameter("order_by does not have a valid value")
    descending = call.params.text("sort") != "asc"
    cursor = call.params.number("cursor") or call.params.number("id_before" if descending else "id_after")
    ordered = sorted(items, key=key, reverse=descending)
    if cursor is not None:
        ordered = [item for item in ordered if (key(item) < cursor if descending else key(item) > cursor)]
    per_page = _per_page(call)
    shown = ordered[:per_page]
    headers = {"X-Per-Page": str(per_page)}
    if len(ordered) > per_page:
        headers["Link"] = f'<{_url(call, {"cursor": str(key(shown[-1]))})}>; rel="next"'
    return Reply(payload=[present(item) for item in shown], headers=headers)


def _page(call: Call) -> int:
    return max(1, call.params.number("page") or 1)


def _per_page(call: Call) -> int:
    return min(MAX_PER_PAGE, max(1, call.params.number("per_page") or 20))


def _url(call: Call, changed: dict[str, str]) -> str:
    query = [(name, value) for name, value in call.request.args.items(multi=True) if name not in changed]
    path = call.request.environ["sledgehammer.raw_path"]
    return f"{call.services.url}{path}?{urlencode([*query, *changed.items()])}"
