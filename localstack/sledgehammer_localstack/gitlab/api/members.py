"""Members of groups and projects (Members API), by one set of handlers for both."""

import sqlite3
from dataclasses import dataclass

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import (
    LEVELS,
    MAINTAINER,
    OWNER,
    ancestors,
    find_group,
    find_project,
    namespace_by_id,
    user_by_id,
)
from sledgehammer_localstack.gitlab.answers import Reply, bad_parameter, conflict, created, no_content, not_found
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.records import Member, Namespace
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The group or project whose members are meant; the other id is None."""

    namespace_id: int | None
    project_id: int | None
    inherited_from: tuple[Namespace, ...]


def _place(call: Call, *, is_change: bool) -> _Place:
    if "/projects/" in call.request.path:
        project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER if is_change else 0)
        above = ancestors(call.store, namespace_by_id(call.store, project.namespace_id))
        return _Place(namespace_id=None, project_id=project.id, inherited_from=tuple(above))
    group = find_group(call.store, call.caller, call.path["id"], level=OWNER if is_change else 0)
    above = ancestors(call.store, group)[1:]
    return _Place(namespace_id=group.id, project_id=None, inherited_from=tuple(above))


def _direct(call: Call, place: _Place) -> list[Member]:
    query = "SELECT * FROM members WHERE namespace_id IS ? AND project_id IS ? ORDER BY id"
    return call.store.all(Member, query, place.namespace_id, place.project_id)


def listing(call: Call) -> Reply:
    """Direct members."""
    return _present_all(call, _direct(call, _place(call, is_change=False)))


def listing_all(call: Call) -> Reply:
    """Direct and inherited members, each user once with the highest level."""
    place = _place(call, is_change=False)
    found = _direct(call, place)
    for namespace in place.inherited_from:
        found += call.store.all(Member, "SELECT * FROM members WHERE namespace_id = ? ORDER BY id", namespace.id)
    best: dict[int, Member] = {}
    for member in found:
        if member.user_id not in best or member.access_level > best[member.user_id].access_level:
            best[member.user_id] = member
    return _present_all(call, list(best.values()))


def _present_all(call: Call, members: list[Member]) -> Reply:
    wanted = call.params.text("query")
    pairs = [(member, user_by_id(call.store, member.user_id)) for member in members]
    if wanted:
        pairs = [pair for pair in pairs if wanted.lower() in f"{pair[1].name} {pair[1].username}".lower()]
    return paged(call, pairs, lambda pair: present_people.member(call.services, *pair))


def show(call: Call) -> Reply:
    """One direct member."""
    member = _member(call, _place(call, is_change=False))
    return Reply(payload=present_people.member(call.services, member, user_by_id(call.store, member.user_id)))


def add(call: Call) -> Reply:
    """Make a user a member."""
    place = _place(call, is_change=True)
    wanted, level = call.params.number("user_id"), _level(call)
    if wanted is None:
        raise bad_parameter("user_id is missing")
    user = user_by_id(call.store, wanted)
    try:
        row = call.store.insert(
            "members",
            user_id=user.id,
            namespace_id=place.namespace_id,
            project_id=place.project_id,
            access_level=level,
            created_at=now(),
        )
    except sqlite3.IntegrityError:
        raise conflict("Member already exists") from None
    member = call.store.one(Member, "SELECT * FROM members WHERE id = ?", row)
    assert member is not None  # noqa: S101 - inserted above
    return created(present_people.member(call.services, member, user))


def change(call: Call) -> Reply:
    """Change a member's level."""
    place = _place(call, is_change=True)
    call.store.update("members", _member(call, place).id, access_level=_level(call))
    member = _member(call, place)
    return Reply(payload=present_people.member(call.services, member, user_by_id(call.store, member.user_id)))


def remove(call: Call) -> Reply:
    """End a membership."""
    call.store.delete("members", _member(call, _place(call, is_change=True)).id)
    return no_content()


def _level(call: Call) -> int:
    level = call.params.number("access_level")
    if level is None:
        raise bad_parameter("access_level is missing")
    if level not in LEVELS:
        raise bad_parameter("access_level does not have a valid value")
    return level


def _member(call: Call, place: _Place) -> Member:
    for member in _direct(call, place):
        if str(member.user_id) == call.path["user_id"]:
            return member
    raise not_found("Member")


def _routes(base: str) -> tuple[Route, ...]:
    return (
        reads(f"{base}/members", listing),
        writes("POST", f"{base}/members", add),
        reads(f"{base}/members/all", listing_all),
        reads(f"{base}/members/{{user_id}}", show),
        writes("PUT", f"{base}/members/{{user_id}}", change),
        writes("DELETE", f"{base}/members/{{user_id}}", remove),
    )


ROUTES: tuple[Route, ...] = (*_routes("/api/v4/projects/{id}"), *_routes("/api/v4/groups/{id}"))
