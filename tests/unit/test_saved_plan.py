"""Plans as text, as JSON and in files."""

import json
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sledgehammer.changes import Action, AttributeChange, Change, ChangeSet, Statement, StatementChange
from sledgehammer.cli.changes_text import render_changes, render_changes_json, render_done, render_drift
from sledgehammer.errors import ConfigurationError, ConflictError
from sledgehammer.provisioning import Attributes, Observed, plan_objects
from sledgehammer.provisioning.fingerprint import fingerprint, fingerprint_key
from sledgehammer.provisioning.json_form import from_json
from sledgehammer.provisioning.saved_plan import (
    SavedPlan,
    check_still_true,
    load_plan,
    save_plan,
    secret_fingerprints,
)
from sledgehammer.secret import Secret

READ = Statement(effect="Allow", actions=("s3:GetObject",), resource="arn:aws:s3:::b/*", condition="tls")
PUSH = Statement(
    effect="Allow", actions=("ecr:PutImage", "ecr:BatchGetImage"), resource="arn:aws:ecr:::r", reason="push"
)
CHANGES = ChangeSet(
    provider="cloud",
    read_calls=4,
    changes=(
        Change(action=Action.NONE, kind="group", name="acme"),
        Change(
            action=Action.UPDATE,
            kind="project",
            name="acme/web",
            attributes=(
                AttributeChange(name="visibility", before="public", after="private"),
                AttributeChange(name="description", before="old", after=""),
            ),
            calls=1,
        ),
        Change(
            action=Action.CREATE,
            kind="role",
            name="web",
            attributes=(AttributeChange(name="trust", before="", after="builds"),),
            statements=(
                StatementChange(action=Action.DELETE, statement=READ),
                StatementChange(action=Action.CREATE, statement=PUSH),
            ),
            calls=2,
        ),
        Change(action=Action.DELETE, kind="token", name="old", calls=1),
        Change(action=Action.MANUAL, kind="connection", name="git", note="accept it", link="https://cloud.example/c"),
        Change(action=Action.NONE, kind="variable", name="HIDDEN", note="cannot be compared"),
    ),
)


def test_a_plan_reads_like_terraforms() -> None:
    """Objects with their differences, permissions as a table, manual steps with their page, one line at the end."""
    assert render_changes(CHANGES) == (
        "~ project acme/web\n"
        "    visibility: public -> private\n"
        "    description: old -> (none)\n"
        "+ role web\n"
        "    trust: builds\n"
        "- token old\n"
        "! connection git\n"
        "    accept it\n"
        "    https://cloud.example/c\n"
        "  variable HIDDEN\n"
        "    cannot be compared\n"
        "permissions:\n"
        "     object  effect  actions                          resource          condition  needed by\n"
        "  -  web     Allow   s3:GetObject                     arn:aws:s3:::b/*  tls\n"
        "  +  web     Allow   ecr:PutImage, ecr:BatchGetImage  arn:aws:ecr:::r              push\n"
        "cloud: Plan: 1 to add, 1 to change, 1 to destroy. 1 manual step. About 8 API calls.\n"
    )


def test_the_last_lines_say_what_was_done_what_drifted_and_that_all_is_well() -> None:
    """Each command's own words; a manual step that is left is told in all of them."""
    assert render_done(CHANGES) == "cloud: 1 added, 1 changed, 1 destroyed. 1 manual step.\n"
    said = "cloud: Drift: 1 missing, 1 different, 1 not asked for any more. 1 manual step."
    assert render_drift(CHANGES).splitlines()[-1] == said
    settled = replace(CHANGES, changes=(CHANGES.changes[0],))
    for render in (render_changes, render_done, render_drift):
        assert render(settled) == "cloud: nothing to do, 1 objects are as they should be.\n"


def test_drift_names_what_only_a_person_can_mend() -> None:
    """With both values where it differs; where it only remains to be done, as a step beside nothing to do."""
    step = CHANGES.changes[4]
    settled = replace(CHANGES, changes=(step,))
    assert settled.differing == ()
    assert render_drift(settled) == (
        "! connection git\n"
        "    accept it\n"
        "    https://cloud.example/c\n"
        "cloud: nothing to do, 0 objects are as they should be. 1 manual step.\n"
    )
    levels = (AttributeChange(name="push", before="developer", after="maintainer"),)
    drifted = replace(CHANGES, changes=(replace(step, attributes=levels),))
    assert (drifted.pending, drifted.differing) == ((), drifted.changes)
    assert render_drift(drifted) == (
        "! connection git\n"
        "    push: developer -> maintainer\n"
        "    accept it\n"
        "    https://cloud.example/c\n"
        "cloud: Drift: 0 missing, 1 different, 0 not asked for any more. 1 manual step.\n"
    )


def test_the_json_form_leads_back_to_the_same_plan() -> None:
    """Nothing that a plan says is lost in it, and its summary can be read without adding up."""
    row = json.loads(render_changes_json(CHANGES))
    assert from_json(row) == CHANGES
    assert [each.statement.reason for each in from_json(row).changes[2].statements] == ["", "push"]
    assert row["format"] == 1
    assert row["summary"] == {"add": 1, "change": 1, "destroy": 1, "manual": 1, "calls": 8}


def test_a_plan_that_was_saved_before_permissions_had_a_reason_still_holds() -> None:
    """Its JSON has no such key, and what needs a permission does not make it another one."""
    row = json.loads(render_changes_json(CHANGES))
    for statement in row["changes"][2]["statements"]:
        del statement["reason"]
    check_still_true(SavedPlan(project="web", changes=from_json(row)), CHANGES, key=None)


def test_a_saved_plan_is_its_owners_alone_and_reads_back(tmp_path: Path) -> None:
    """Mode 0600, also where an open file was before; nothing else is left in the folder."""
    path = tmp_path / "plan.json"
    path.write_text("")
    path.chmod(0o644)
    save_plan(path, SavedPlan(project="web", changes=CHANGES))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_plan(path) == SavedPlan(project="web", changes=CHANGES)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"project": "web", "plan": {"format": 2}}'])
def test_another_file_is_not_taken_for_a_plan(text: str, tmp_path: Path) -> None:
    """It says how to make one."""
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="is not a plan") as error:
        load_plan(path)
    assert "plan -p PROVIDER --out FILE" in error.value.hint


def changed(index: int, **fields: object) -> ChangeSet:
    """The plan with one of its changes as it might be later."""
    rows = list(CHANGES.changes)
    rows[index] = replace(rows[index], **fields)  # type: ignore[arg-type]
    return replace(CHANGES, changes=tuple(rows))


@pytest.mark.parametrize(
    ("fresh", "message"),
    [
        (changed(1, action=Action.NONE, attributes=()), "project acme/web was to be changed, and is now to be left as"),
        (
            changed(1, attributes=(AttributeChange(name="visibility", before="internal", after="private"),)),
            "visibility of project acme/web is now internal, to become private",
        ),
        (changed(1, attributes=CHANGES.changes[1].attributes[:1]), "description of project acme/web needs no change"),
        (changed(2, statements=()), "what is said of role web has changed"),
        (replace(CHANGES, changes=CHANGES.changes[:-1]), "has variable HIDDEN where there is now nothing"),
        (changed(0, name="other"), "has group acme where there is now group other"),
    ],
)
def test_a_saved_plan_is_refused_once_the_world_has_moved(fresh: ChangeSet, message: str) -> None:
    """The first difference is named."""
    saved = SavedPlan(project="web", changes=CHANGES)
    check_still_true(saved, replace(CHANGES, read_calls=99), key=None)
    with pytest.raises(ConflictError, match=message):
        check_still_true(saved, fresh, key=None)


def with_secret(before: str, after: str) -> ChangeSet:
    """A plan of one object that looks the same whatever its secret is."""

    @dataclass(frozen=True)
    class Variable:
        kind: str = "variable"
        name: str = "acme/web KEY"

        def desired(self) -> Attributes:
            return {"value": Secret(after)}

        def observe(self, *, anew: bool = False) -> Observed:
            return Observed(attributes={"value": Secret(before)})

        def create(self) -> Collection[str]:
            return ()

        def update(self, attributes: Collection[str]) -> None:
            """Never called."""

        def calls(self, action: Action, attributes: Collection[str]) -> int:
            return 1

    return plan_objects([Variable()], provider="cloud")


@pytest.mark.parametrize(("before", "after"), [("old", "newer"), ("older", "new")])
def test_a_secret_that_is_another_by_now_is_noticed_by_who_has_the_key(before: str, after: str, tmp_path: Path) -> None:
    """What is there and what is to replace it; the file has neither. A plan that was saved without a key has no say."""
    key, path = Secret("k"), tmp_path / "plan"
    planned = with_secret("old", "new")
    fingerprints = secret_fingerprints(planned, key)
    save_plan(path, SavedPlan(project="web", changes=planned, fingerprints=fingerprints))
    assert not {"old", "new"} & set(re.findall(r"\w+", path.read_text()))
    saved = load_plan(path)
    check_still_true(saved, with_secret("old", "new"), key=key)
    moved = with_secret(before, after)
    assert moved == planned
    with pytest.raises(ConflictError, match="out of date: variable acme/web KEY value: the secret, or what is to"):
        check_still_true(saved, moved, key=key)
    with pytest.raises(ConfigurationError, match="saved with another SLEDGE_FINGERPRINT_KEY"):
        check_still_true(saved, with_secret("old", "new"), key=None)
    assert secret_fingerprints(planned, None) == {}
    check_still_true(replace(saved, fingerprints={}), moved, key=key)


def test_a_fingerprint_tells_values_apart_only_to_who_has_the_key() -> None:
    """It depends on value, object and key, and on nothing else; without a key there is none."""
    key, other = Secret("k1"), Secret("k2")
    mark = fingerprint(Secret("value"), key=key, context="web KEY")
    assert mark == fingerprint(Secret("value", source="elsewhere"), key=key, context="web KEY")
    others = {
        fingerprint(Secret("value2"), key=key, context="web KEY"),
        fingerprint(Secret("value"), key=key, context="web OTHER"),
        fingerprint(Secret("value"), key=other, context="web KEY"),
    }
    assert mark not in others
    assert len(others) == 3
    assert fingerprint_key({"SLEDGE_FINGERPRINT_KEY": ""}) is None
    assert fingerprint_key({"SLEDGE_FINGERPRINT_KEY": "k1"}) == Secret("k1", source="SLEDGE_FINGERPRINT_KEY")
