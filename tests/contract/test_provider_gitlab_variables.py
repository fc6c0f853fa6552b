"""CI/CD variables of projects and groups, from their creation to their end, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from gitlab_rehearsal import Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action, accept_plan
from sledgehammer.errors import ConfigurationError, ConflictError, NotFoundError
from sledgehammer.provisioning.saved_plan import SavedPlan, check_still_true, secret_fingerprints
from sledgehammer.secret import Secret
from sledgehammer_gitlab.settings import Settings, Variable, Visibility

KEY = Variable(value="a-long-value", masked=True, description="what it is for")
HIDDEN = Variable(from_env="MY_KEY", masked=True, hidden=True)


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, Settings(project="team/sub/web", variables={"KEY": KEY})) as made:
        yield made


def setting(here: Rehearsal, **variables: Variable) -> None:
    """What sledge.yaml says of variables from now on."""
    here.settings = replace(here.settings, variables=variables)


def there(here: Rehearsal, key: str = "KEY") -> Any:
    return here.api("GET", f"{here.project}/variables/{key}")


def pending(here: Rehearsal) -> list[tuple[Action, str, list[str]]]:
    """What a plan would do: action, name without the group that differs per test, attributes."""
    return [
        (change.action, change.name.removeprefix(here.group), [item.name for item in change.attributes])
        for change in here.connect().plan().pending
    ]


def test_a_variable_of_ours_carries_our_mark_beside_its_description(here: Rehearsal) -> None:
    """The mark is GitLab's to keep; a plan shows the person's own text."""
    here.apply()
    assert there(here)["description"] == "what it is for [sledge]"
    assert pending(here) == []


@pytest.mark.parametrize(
    ("wanted", "attributes"),
    [
        (replace(KEY, value="another-value"), ["value"]),
        (replace(KEY, masked=False), ["masked"]),
        (replace(KEY, protected=True), ["protected"]),
        (replace(KEY, raw=False), ["raw"]),
        (replace(KEY, description=""), ["description"]),
        (replace(KEY, hidden=True), ["hidden"]),
    ],
)
def test_each_attribute_of_a_variable_is_brought_to_what_is_asked(
    here: Rehearsal, wanted: Variable, attributes: list[str]
) -> None:
    """One change that names the attribute, and after it nothing to do."""
    here.variables = {"SLEDGE_FINGERPRINT_KEY": "k"}
    here.apply()
    setting(here, KEY=wanted)
    assert pending(here) == [(Action.UPDATE, "/sub/web KEY", attributes)]
    here.apply()
    assert pending(here) == []
    row = there(here)
    assert (row["masked"], row["protected"], row["raw"], row["hidden"]) == (
        wanted.masked,
        wanted.protected,
        wanted.raw,
        wanted.hidden,
    )


def test_a_variable_that_shall_be_for_other_environments_is_another(here: Rehearsal) -> None:
    """GitLab tells variables apart by it: the one of before goes, once that of the new scope is there."""
    here.apply()
    setting(here, KEY=replace(KEY, environment_scope="prod"))
    assert pending(here) == [(Action.CREATE, "/sub/web KEY [prod]", ANY), (Action.DELETE, "/sub/web KEY", [])]
    here.apply()
    assert values(here) == {"prod": "a-long-value"}
    assert pending(here) == []


def test_a_key_has_a_value_for_each_environment_and_group(here: Rehearsal, recorder: Recorder) -> None:
    """Each is made, changed and deleted by itself: the others of its key stay as they are."""
    prod, staging = replace(KEY, value="of-production", environment_scope="prod"), replace(KEY, value="of-all-others")
    shared = replace(KEY, value="of-the-group", group=here.group)
    here.settings = replace(here.settings, variables={"KEY": (staging, prod, shared)})
    here.apply()
    assert values(here) == {"*": "of-all-others", "prod": "of-production"}
    assert here.api("GET", f"/groups/{here.group}/variables/KEY")["value"] == "of-the-group"
    assert pending(here) == []
    prod = replace(prod, value="another-value")
    here.settings = replace(here.settings, variables={"KEY": (staging, prod, shared)})
    assert pending(here) == [(Action.UPDATE, "/sub/web KEY [prod]", ["value"])]
    here.apply()
    assert values(here) == {"*": "of-all-others", "prod": "another-value"}
    here.settings = replace(here.settings, variables={"KEY": (prod,)})
    here.apply()
    assert values(here) == {"prod": "another-value"}
    recorder.check()


def values(here: Rehearsal) -> dict[str, str]:
    """By environment scope."""
    return {row["environment_scope"]: row["value"] for row in here.api("GET", f"{here.project}/variables")}


def test_a_variable_that_sledge_yaml_names_no_more_goes(here: Rehearsal) -> None:
    """The one with our mark; a person's variable beside it stays."""
    here.apply()
    here.api("POST", f"{here.project}/variables", {"key": "THEIRS", "value": "x", "description": "mine"})
    setting(here)
    assert pending(here) == [(Action.DELETE, "/sub/web KEY", [])]
    here.apply()
    assert [row["key"] for row in here.api("GET", f"{here.project}/variables")] == ["THEIRS"]
    assert pending(here) == []


def test_somebody_elses_variable_is_changed_only_once_it_is_adopted(here: Rehearsal, recorder: Recorder) -> None:
    """A conflict names it and the command; adopting marks it, and shows what an apply would then change."""
    setting(here)
    here.apply()
    body = {"key": "KEY", "value": "their-value-of-it", "description": "theirs"}
    here.api("POST", f"{here.project}/variables", body)
    setting(here, KEY=KEY)
    recorder.exchanges.clear()
    with pytest.raises(ConflictError, match=r"KEY \(value: \*\*\* -> \*\*\*, masked: false -> true") as caught:
        here.apply()
    assert f"sledge adopt -p gitlab 'gitlab_variable {here.path} KEY'" in caught.value.hint
    assert recorder.writes == []
    changes = here.connect().adopt([f"gitlab_variable {here.path} KEY"])
    assert (there(here)["value"], there(here)["description"]) == ("their-value-of-it", "theirs [sledge]")
    assert [item.name for change in changes.pending for item in change.attributes] == [
        "value",
        "masked",
        "raw",
        "description",
    ]
    here.apply()
    assert pending(here) == []
    recorder.check()


def test_a_variable_of_others_that_is_as_it_should_be_is_no_conflict(here: Rehearsal) -> None:
    """Nothing would change, so nothing needs to be ours."""
    setting(here)
    here.apply()
    same = {"key": "KEY", "value": "a-long-value", "masked": True, "raw": True, "description": "what it is for"}
    here.api("POST", f"{here.project}/variables", same)
    setting(here, KEY=KEY)
    assert pending(here) == []


def test_an_address_that_names_nothing_is_not_adopted(here: Rehearsal) -> None:
    """The nearest one is named."""
    here.apply()
    with pytest.raises(NotFoundError, match=f'did you mean "gitlab_variable {here.path} KEY"'):
        here.connect().adopt([f"gitlab_variable {here.path} KYE"])


def test_a_hidden_value_is_compared_by_its_fingerprint(here: Rehearsal, recorder: Recorder) -> None:
    """With the key, an equal value is nothing to do and another is written; the value is in no plan and no mark."""
    setting(here, KEY=HIDDEN)
    here.variables = {"MY_KEY": "first-secret", "SLEDGE_FINGERPRINT_KEY": "k"}
    here.apply()
    assert there(here)["value"] is None
    assert pending(here) == []
    here.variables = {"MY_KEY": "second-secret", "SLEDGE_FINGERPRINT_KEY": "k"}
    before = there(here)["description"]
    changes = here.connect().plan()
    assert "secret" not in repr(changes)
    assert [(item.before, item.after) for item in changes.pending[0].attributes] == [("***", "***")]
    here.apply()
    assert pending(here) == []
    assert there(here)["description"] != before
    recorder.check()


def test_without_the_key_a_hidden_value_is_left_and_the_plan_says_so(here: Rehearsal, recorder: Recorder) -> None:
    """It is written when the variable is made, and again only on request; other attributes follow all the same."""
    setting(here, KEY=HIDDEN)
    here.variables = {"MY_KEY": "first-secret"}
    here.apply()
    assert there(here)["description"] == "[sledge]"
    here.variables = {"MY_KEY": "second-secret"}
    changes = here.connect().plan()
    assert changes.pending == ()
    (note,) = {change.note for change in changes.changes if change.note}
    assert "cannot be compared" in note
    setting(here, KEY=replace(HIDDEN, protected=True))
    assert pending(here) == [(Action.UPDATE, "/sub/web KEY", ["protected"])]
    recorder.exchanges.clear()
    here.apply()
    here.variables = {"MY_KEY": "second-secret", "SLEDGE_REWRITE_HIDDEN": "1"}
    assert pending(here) == [(Action.UPDATE, "/sub/web KEY", ["value"])]
    here.apply()
    written = [one.body.get("value") for one in recorder.exchanges if one.path.endswith("/variables/KEY")]
    assert written == [None, "second-secret"]


def test_a_saved_plan_notices_that_a_value_to_be_written_anew_is_another_by_now(here: Rehearsal) -> None:
    """Whether the object's mark has a fingerprint of the last one or not."""
    setting(here, MY_KEY=HIDDEN)
    here.variables = {"MY_KEY": "first-secret", "SLEDGE_REWRITE_HIDDEN": "1"}
    here.apply()
    key = Secret("k")
    for fingerprinted in ({}, {"SLEDGE_FINGERPRINT_KEY": "k"}):
        here.variables = {**here.variables, **fingerprinted, "MY_KEY": "second-secret"}
        changes = here.connect().plan()
        saved = SavedPlan(project="web", changes=changes, fingerprints=secret_fingerprints(changes, key))
        check_still_true(saved, here.connect().plan(), key=key)
        here.variables = {**here.variables, "MY_KEY": "third-secret"}
        with pytest.raises(ConflictError, match="MY_KEY value: the secret, or what is to replace it, is another one"):
            check_still_true(saved, here.connect().plan(), key=key)
        here.apply()


def test_a_groups_variable_is_made_by_one_project_and_shared_by_others(
    here: Rehearsal, recorder: Recorder, tmp_path: Path
) -> None:
    """The second project with the same settings has nothing to do, and neither takes what the other made."""
    setting(here, SHARED=replace(KEY, group=here.group))
    here.apply()
    assert pending(here) == []
    (row,) = here.api("GET", f"/groups/{here.group}/variables")
    assert row["description"] == f"what it is for [sledge by={here.path}]"
    other = replace(here, settings=replace(here.settings, project=f"{here.group}/other"))
    other.apply()
    other.connect().destroy(on_change=lambda change: None)
    assert here.api("GET", f"/groups/{here.group}/variables/SHARED") is not None
    here.connect().destroy(on_change=lambda change: None)
    assert here.api("GET", f"/groups/{here.group}/variables") == []
    recorder.check()


def test_a_destruction_finds_what_the_project_made_in_its_groups(here: Rehearsal) -> None:
    """Also where sledge.yaml names none of a group's variables any more; what another project made stays."""
    setting(here, SHARED=replace(KEY, group=here.group))
    here.apply()
    other = replace(here, settings=replace(here.settings, project=f"{here.group}/other"))
    setting(other, THEIRS=replace(KEY, group=here.group))
    other.apply()
    setting(here)
    here.apply()
    here.connect().destroy(on_change=lambda change: None)
    assert [row["key"] for row in here.api("GET", f"/groups/{here.group}/variables")] == ["THEIRS"]


def test_two_projects_do_not_take_turns_with_a_groups_variable(here: Rehearsal, recorder: Recorder) -> None:
    """What differs is a conflict that names the project which made it; by adoption it is the other's from then on."""
    setting(here, SHARED=replace(KEY, group=here.group))
    here.apply()
    other = replace(here, settings=replace(here.settings, project=f"{here.group}/other"))
    setting(other, SHARED=replace(KEY, group=here.group, value="another-value"))
    recorder.exchanges.clear()
    told = rf"made for the project {here.path}, and different .*{here.group} SHARED \(value: \*\*\* -> \*\*\*\)"
    with pytest.raises(ConflictError, match=told) as caught:
        other.apply()
    address = f"gitlab_group_variable {here.group} SHARED"
    assert f"let this project manage it from now on: sledge adopt -p gitlab '{address}'" in caught.value.hint
    assert recorder.writes == []
    other.connect().adopt([address])
    other.apply()
    assert here.api("GET", f"/groups/{here.group}/variables/SHARED")["value"] == "another-value"
    with pytest.raises(ConflictError, match=f"made for the project {other.path}"):
        here.connect().plan()
    recorder.check()


def test_a_groups_hidden_value_is_written_anew_by_its_project_alone(here: Rehearsal) -> None:
    """With the fingerprint of the same value another project has nothing to do, also where all are to be rewritten."""
    setting(here, SHARED=replace(HIDDEN, group=here.group))
    here.variables = {"MY_KEY": "first-secret", "SLEDGE_FINGERPRINT_KEY": "k", "SLEDGE_REWRITE_HIDDEN": "1"}
    here.apply()
    assert pending(here) == [(Action.UPDATE, " SHARED", ["value"])]
    other = replace(here, settings=replace(here.settings, project=f"{here.group}/other"))
    assert [change for change in other.connect().plan().pending if "variable" in change.kind] == []


def test_a_value_that_gitlab_cannot_mask_is_told_by_the_plan(here: Rehearsal, recorder: Recorder) -> None:
    """Before anything is sent that changes something."""
    setting(here, KEY=replace(KEY, value="short"))
    with pytest.raises(ConfigurationError, match="cannot mask the value of CI/CD variable KEY"):
        here.connect().plan()
    assert recorder.writes == []


def test_a_destruction_deletes_the_project_that_we_made_with_all_in_it(here: Rehearsal, recorder: Recorder) -> None:
    """Only once is it there to be deleted; its groups stay, for others may be in them."""
    here.apply()
    shown = here.connect().plan_destruction()
    assert [(change.action, change.address) for change in shown.pending] == [
        (Action.DELETE, f"gitlab_project {here.path}")
    ]
    here.connect().destroy(on_change=lambda change: None, on_plan=accept_plan)
    assert here.api("GET", here.project) is None
    assert here.api("GET", f"/groups/{here.group}") is not None
    assert here.connect().plan_destruction().pending == ()
    recorder.check()


def test_a_destruction_in_a_project_of_others_takes_our_variables_alone(here: Rehearsal) -> None:
    """The project, its repository and a person's variable stay, whether sledge.yaml names ours still or not."""
    _make_by_hand(here)
    setting(here, KEY=KEY, GONE=KEY)
    here.apply()
    here.api("POST", f"{here.project}/variables", {"key": "THEIRS", "value": "x"})
    setting(here, KEY=KEY)
    shown = {change.name for change in here.connect().plan_destruction().pending}
    assert shown == {f"{here.path} KEY", f"{here.path} GONE"}
    here.connect().destroy(on_change=lambda change: None)
    assert [row["key"] for row in here.api("GET", f"{here.project}/variables")] == ["THEIRS"]


def test_a_project_of_others_is_changed_only_once_it_is_adopted_and_is_never_deleted(here: Rehearsal) -> None:
    """Adopting adds a topic to those that are there; a destruction later leaves the project."""
    _make_by_hand(here)
    setting(here)
    here.settings = replace(here.settings, visibility=Visibility.PRIVATE)
    assert [change.kind for change in here.connect().plan().pending] == ["gitlab_repository_content", "gitlab_ci_file"]
    here.api("PUT", here.project, {"visibility": "public", "topics": ["rust"]})
    with pytest.raises(ConflictError, match="visibility: public -> private") as caught:
        here.apply()
    assert f"'gitlab_project {here.path}'" in caught.value.hint
    here.connect().adopt([f"gitlab_project {here.path}"])
    assert here.api("GET", here.project)["topics"] == ["rust", "managed-by-sledge"]
    here.apply()
    assert here.api("GET", here.project)["visibility"] == "private"
    here.connect().destroy(on_change=lambda change: None)
    assert here.api("GET", here.project) is not None


def _make_by_hand(here: Rehearsal) -> None:
    """The group, the subgroup and the project, as a person would make them."""
    group = here.api("POST", "/groups", {"name": here.group, "path": here.group, "visibility": "public"})
    sub = {"name": "sub", "path": "sub", "parent_id": group["id"], "visibility": "public"}
    made = here.api("POST", "/groups", sub)
    here.api("POST", "/projects", {"name": "web", "namespace_id": made["id"]})
