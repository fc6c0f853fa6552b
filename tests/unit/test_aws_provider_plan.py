"""Plans and applies over objects that are only in memory."""

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConflictError
from sledgehammer.secret import Secret
from sledgehammer_aws.failures import AlreadyExistsError
from sledgehammer_aws.managed import Attributes, apply_objects, change_of, check_owner, plan_objects


@dataclass(kw_only=True)
class Thing:
    """An object whose creation sets one attribute and leaves the other for an update."""

    wanted: Attributes
    present: dict[str, str | Secret] | None = None
    created_meanwhile: bool = False
    writes: list[str] = field(default_factory=list)
    kind: str = "aws_thing"
    name: str = "web"

    def desired(self) -> Attributes:
        return self.wanted

    def observe(self) -> Attributes | None:
        return self.present

    def create(self) -> Collection[str]:
        self.writes.append("create")
        if self.created_meanwhile:
            self.present = {"size": self.wanted["size"]}
            raise AlreadyExistsError("it exists")
        self.present = {"size": self.wanted["size"]}
        return ("colour",)

    def update(self, attributes: Collection[str]) -> None:
        self.writes.append(f"update {' '.join(attributes)}")
        assert self.present is not None
        self.present.update({name: self.wanted[name] for name in attributes})


WANTED = {"size": "5", "colour": "red"}


def test_applying_makes_what_is_missing_and_a_second_time_nothing() -> None:
    """Create, then the attributes that creation cannot set; the next apply writes nothing."""
    thing, seen = Thing(wanted=WANTED), list[Change]()
    changes = apply_objects([thing], on_change=seen.append)
    assert [change.action for change in seen] == [Action.CREATE]
    assert changes.pending == tuple(seen)
    assert thing.writes == ["create", "update colour"]
    assert apply_objects([thing], on_change=seen.append).pending == ()
    assert thing.writes == ["create", "update colour"]


def test_only_what_differs_is_updated() -> None:
    """A plan names each differing attribute before and after; the apply touches only those."""
    thing = Thing(wanted=WANTED, present={"size": "5", "colour": "blue"})
    (change,) = plan_objects([thing]).pending
    assert [(item.name, item.before, item.after) for item in change.attributes] == [("colour", "blue", "red")]
    apply_objects([thing], on_change=lambda change: None)
    assert thing.writes == ["update colour"]


def test_a_creation_whose_answer_was_lost_is_finished_not_repeated() -> None:
    """When the object turns out to exist, it is read back and brought to what is desired."""
    thing = Thing(wanted=WANTED, created_meanwhile=True)
    apply_objects([thing], on_change=lambda change: None)
    assert thing.writes == ["create", "update colour"]
    assert thing.present == WANTED


def test_a_secret_is_compared_but_never_shown() -> None:
    """A changed secret is a change whose both sides read ***."""
    thing = Thing(wanted={"password": Secret("new")}, present={"password": Secret("old")})
    (item,) = change_of(thing, thing.observe()).attributes
    assert (item.before, item.after) == ("***", "***")
    assert change_of(thing, {"password": Secret("new")}).action is Action.NONE


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({}, "not made by sledge"),
        ({"managed-by": "terraform"}, "not made by sledge"),
        ({"managed-by": "sledgehammer", "sledgehammer:project": "shop"}, "belongs to the project shop"),
    ],
)
def test_somebody_elses_object_is_left_alone(tags: dict[str, str], message: str) -> None:
    """An object of our name without our tags, or of another project, is a conflict."""
    with pytest.raises(ConflictError, match=message):
        check_owner(Thing(wanted=WANTED), tags, project="web")
