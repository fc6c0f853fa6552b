"""What GraphQL is asked, and its answers as REST would have put them."""

from typing import Any

import pytest

from sledgehammer_gitlab.bulk_query import (
    Known,
    Part,
    projects_query,
    read_branch_rules,
    read_tip,
    read_types,
    read_variables,
)

FREE = {
    "Project": {"ciVariables", "branchRules", "repository"},
    "CiProjectVariable": {
        *("key", "value", "hidden", "masked", "protected", "raw", "environmentScope", "description"),
    },
    "BranchProtection": {"allowForcePush", "pushAccessLevels", "mergeAccessLevels"},
    "PushAccessLevel": {"accessLevel", "accessLevelDescription", "deployKey"},
    "MergeAccessLevel": {"accessLevel", "accessLevelDescription"},
    "Tree": {"lastCommit"},
}
PREMIUM = {name: fields | ({"user", "group"} if "AccessLevel" in name else set()) for name, fields in FREE.items()}
ALL = frozenset(Part)
LAST = {"hasNextPage": False}


def known(fields: dict[str, set[str]]) -> Known:
    """As GitLab would tell it."""
    return read_types({name: {"fields": [{"name": one} for one in names]} for name, names in fields.items()})


def levels(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": list(nodes), "pageInfo": LAST}


MAINTAINERS = {"accessLevel": 40, "accessLevelDescription": "Maintainers"}


def rules(push: dict[str, Any], name: str = "main") -> dict[str, Any]:
    """A project with one rule beside the one that Premium has for all branches, which protects nothing."""
    protection = {"allowForcePush": False, "pushAccessLevels": push, "mergeAccessLevels": levels(MAINTAINERS)}
    everything = {"name": "All branches", "branchProtection": None}
    return {
        "branchRules": {"nodes": [everything, {"name": name, "branchProtection": protection}], "pageInfo": LAST},
    }


def test_only_premium_is_asked_for_users_and_groups() -> None:
    """A GitLab without them would refuse the query; and without the field for keys a key looks like a role."""
    assert "user" not in projects_query(ALL, known(FREE))
    asked = projects_query(ALL, known(PREMIUM))
    assert asked.count("user { id } group { id }") == 2
    assert len(asked) < 10_000
    older = {**FREE, "PushAccessLevel": {"accessLevel", "accessLevelDescription"}}
    assert known(older).parts() == {Part.VARIABLES, Part.TIP}
    assert read_types({"Project": None}).parts() == frozenset()


def test_a_rule_of_roles_is_told_as_rest_tells_it() -> None:
    """A rule that protects nothing is no protection."""
    assert read_branch_rules(rules(levels(MAINTAINERS))) == [
        {
            "name": "main",
            "push_access_levels": [{"access_level": 40}],
            "merge_access_levels": [{"access_level": 40}],
            "allow_force_push": False,
        }
    ]


@pytest.mark.parametrize(
    "push",
    [
        levels({**MAINTAINERS, "user": {"id": "gid://gitlab/User/1"}}),
        levels({**MAINTAINERS, "group": {"id": "gid://gitlab/Group/1"}}),
        levels(MAINTAINERS, {**MAINTAINERS, "deployKey": {"id": "1"}}),
        levels({"accessLevel": 40, "accessLevelDescription": "Ada Lovelace"}),
        levels({"accessLevel": 40, "accessLevelDescription": "Betreuer"}),
        levels({"accessLevel": 60, "accessLevelDescription": "Administrators"}),
        levels(),
        {"nodes": None, "pageInfo": LAST},
        {"nodes": [MAINTAINERS], "pageInfo": {"hasNextPage": True}},
        None,
    ],
)
def test_a_level_that_may_not_be_a_roles_is_left_to_rest(push: Any) -> None:
    """Users, groups, keys, whatever has another name, and what is not shown."""
    assert read_branch_rules(rules(push)) is None


def test_two_rules_of_one_name_are_left_to_rest() -> None:
    """A group's beside the project's: which of them counts, REST tells."""
    twice = rules(levels(MAINTAINERS))
    twice["branchRules"]["nodes"] *= 2
    assert read_branch_rules(twice) is None


def test_a_variable_without_a_value_must_be_hidden() -> None:
    """Else it is one that this token may not see."""
    flags = {"masked": True, "protected": False, "raw": True, "description": None}
    shown = {"key": "A", "value": "x", "hidden": False, "environmentScope": "*", **flags}
    hidden = {**shown, "key": "B", "value": None, "hidden": True}
    found = read_variables({"ciVariables": {"nodes": [shown, hidden], "pageInfo": LAST}})
    assert found == [
        {"key": "A", "value": "x", "hidden": False, "environment_scope": "*", **flags},
        {"key": "B", "value": None, "hidden": True, "environment_scope": "*", **flags},
    ]
    for doubtful in ({"value": None}, {"key": None}, {"environmentScope": None}, {"masked": None}):
        assert read_variables({"ciVariables": {"nodes": [{**shown, **doubtful}], "pageInfo": LAST}}) is None


def test_a_tip_is_a_whole_commit() -> None:
    """Of either kind of repository."""
    for sha in ("a" * 40, "0" * 64):
        assert read_tip({"repository": {"tree": {"lastCommit": {"sha": sha}}}}) == sha
    for lacking in ({}, {"repository": None}, {"repository": {"tree": {"lastCommit": {"sha": "abc"}}}}):
        assert read_tip(lacking) is None
