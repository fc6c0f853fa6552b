"""Plans, applies, adoptions and destructions over objects that are only in memory."""

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from sledgehammer.changes import Action, Change, ChangeSet, Statement, accept_plan
from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.provisioning import (
    AlreadyExistsError,
    Attributes,
    ManualStep,
    Observed,
    Owner,
    adopt_objects,
    apply_objects,
    change_of,
    destroy_objects,
    plan_destruction,
    plan_objects,
)
from sledgehammer.secret import Secret

WANTED = {"size": "5", "colour": "red"}


@dataclass(kw_only=True)
class Fixed:
    """An object that can neither be marked nor removed, such as a setting of something else. Its creation sets the
    size and leaves the rest for an update."""

    wanted: Attributes | None
    present: dict[str, str | Secret] | None = None
    owner: Owner = Owner.SLEDGE
    manual: ManualStep | None = None
    note: str = ""
    made_meanwhile: bool = False
    writes: list[str] = field(default_factory=list)
    kind: str = "thing"
    name: str = "web"

    def desired(self) -> Attributes | None:
        return self.wanted

    def observe(self, *, anew: bool = False) -> Observed | None:
        if self.present is None:
            return None
        return Observed(attributes=self.present, owner=self.owner, manual=self.manual, note=self.note)

    def create(self) -> Collection[str]:
        self.writes.append("create")
        assert self.wanted is not None
        self.present = {"size": self.wanted["size"]}
        if self.made_meanwhile:
            raise AlreadyExistsError("it exists")
        return ("colour",)

    def update(self, attributes: Collection[str]) -> None:
        self.writes.append(f"update {' '.join(attributes)}")
        assert self.present is not None
        assert self.wanted is not None
        self.present.update({name: self.wanted[name] for name in attributes})

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2 if action is Action.CREATE else len(attributes)

    def statements(self, attributes: Attributes) -> tuple[Statement, ...]:
        sizes = [str(value) for name, value in attributes.items() if name == "size"]
        return tuple(Statement(effect="Allow", actions=("grow",), resource=size) for size in sizes)


@dataclass(kw_only=True)
class Thing(Fixed):
    """One that can be marked and removed."""

    def mark(self) -> None:
        self.writes.append("mark")
        self.owner = Owner.SLEDGE

    def delete(self) -> None:
        self.writes.append("delete")
        self.present = None


def plan(*things: Fixed) -> ChangeSet:
    return plan_objects(things, provider="cloud")


def apply(*things: Fixed) -> list[Change]:
    seen: list[Change] = []
    apply_objects(things, provider="cloud", on_plan=accept_plan, on_change=seen.append)
    return seen


def test_applying_makes_what_is_missing_and_a_second_time_nothing() -> None:
    """Create, then the attributes that creation cannot set; the next apply writes nothing."""
    thing = Thing(wanted=WANTED)
    assert [change.action for change in apply(thing)] == [Action.CREATE]
    assert apply(thing) == []
    assert thing.writes == ["create", "update colour"]


def test_only_what_differs_is_updated() -> None:
    """A plan names each differing attribute before and after; the apply touches only those."""
    thing = Thing(wanted=WANTED, present={"size": "5", "colour": "blue"})
    (change,) = plan(thing).pending
    assert [(item.name, item.before, item.after) for item in change.attributes] == [("colour", "blue", "red")]
    apply(thing)
    assert thing.writes == ["update colour"]


def test_a_creation_whose_answer_was_lost_is_finished_not_repeated() -> None:
    """When the object turns out to exist, it is read back and brought to what is desired."""
    thing = Thing(wanted=WANTED, made_meanwhile=True)
    apply(thing)
    assert thing.writes == ["create", "update colour"]
    assert thing.present == WANTED


def test_what_somebody_else_made_meanwhile_is_not_taken() -> None:
    """Between plan and creation the name was taken: a conflict, and no update; none where nothing differs."""
    same = Thing(wanted={"size": "5"}, made_meanwhile=True, owner=Owner.OTHERS)
    apply(same)
    assert same.writes == ["create"]
    thing = Thing(wanted=WANTED, made_meanwhile=True, owner=Owner.OTHERS)
    with pytest.raises(ConflictError, match="thing web was made by somebody else"):
        apply(thing)
    assert thing.writes == ["create"]


def test_a_secret_is_compared_but_never_shown() -> None:
    """A changed secret is a change whose both sides read ***."""
    thing = Thing(wanted={"password": Secret("new")}, present={"password": Secret("old")})
    (item,) = change_of(thing, thing.observe()).attributes
    assert (item.before, item.after) == ("***", "***")
    thing.present = {"password": Secret("new")}
    assert change_of(thing, thing.observe()).action is Action.NONE


def test_what_others_made_stops_a_plan_with_the_command_that_adopts_it() -> None:
    """All such objects are named at once, with what would change; an object that is as it should be is no conflict."""
    one = Thing(name="one", wanted=WANTED, present={"size": "4", "colour": "red"}, owner=Owner.OTHERS)
    two = Thing(name="two", wanted=WANTED, present={"size": "5"}, owner=Owner.OTHERS)
    same = Thing(name="same", wanted=WANTED, present=dict(WANTED), owner=Owner.OTHERS)
    with pytest.raises(
        ConflictError, match=r"thing one \(size: 4 -> 5\); thing two \(colour: \(none\) -> red\)"
    ) as error:
        apply(one, two, same)
    assert "sledge adopt -p cloud 'thing one' 'thing two'" in error.value.hint
    assert one.writes == two.writes == []
    assert plan(same).pending == ()


def test_an_adopted_object_is_changed_like_one_of_ours() -> None:
    """Adoption marks and changes nothing else; the next plan shows what an apply will do."""
    thing = Thing(wanted=WANTED, present={"size": "4", "colour": "red"}, owner=Owner.OTHERS)
    adopt_objects([thing], ["thing web"])
    assert thing.writes == ["mark"]
    assert [item.name for item in plan(thing).pending[0].attributes] == ["size"]
    adopt_objects([thing], ["thing web"])
    assert thing.writes == ["mark"]


@pytest.mark.parametrize(
    ("thing", "address", "error", "message"),
    [
        (Thing(wanted=WANTED), "thing wbe", NotFoundError, 'did you mean "thing web"'),
        (Thing(wanted=WANTED), "thing web", NotFoundError, "nothing to adopt"),
        (Fixed(wanted=WANTED, present={}, owner=Owner.OTHERS), "thing web", ConflictError, "cannot carry a mark"),
    ],
)
def test_what_cannot_be_adopted_says_why_and_nothing_is_marked(
    thing: Fixed, address: str, error: type[Exception], message: str
) -> None:
    """An unknown address, an absent object, one without a place for a mark; the other addresses stay as they are."""
    other = Thing(name="other", wanted=WANTED, present={}, owner=Owner.OTHERS)
    with pytest.raises(error, match=message):
        adopt_objects([other, thing], ["thing other", address])
    assert other.writes == []


def test_what_is_no_longer_asked_for_goes_if_it_is_ours() -> None:
    """Of two objects that sledge.yaml does not name, the one with our mark is deleted."""
    ours = Thing(name="ours", wanted=None, present={"size": "5"})
    theirs = Thing(name="theirs", wanted=None, present={"size": "5"}, owner=Owner.OTHERS)
    absent = Thing(name="absent", wanted=None)
    assert [(change.action, change.name) for change in apply(ours, theirs, absent)] == [(Action.DELETE, "ours")]
    assert theirs.present is not None


def test_a_destruction_takes_what_is_marked_last_made_first() -> None:
    """Objects of others, absent ones and mere settings stay; a second run does nothing."""
    first = Thing(name="first", wanted=WANTED, present={})
    theirs = Thing(name="theirs", wanted=WANTED, present={}, owner=Owner.OTHERS)
    setting = Fixed(name="setting", wanted=WANTED, present={})
    last = Thing(name="last", wanted=None, present={})
    absent = Thing(name="absent", wanted=WANTED)
    things, seen = [first, theirs, setting, last, absent], list[Change]()
    shown = plan_destruction(things, provider="cloud")
    assert [change.name for change in shown.pending] == ["last", "first"]
    destroy_objects(things, provider="cloud", on_plan=accept_plan, on_change=seen.append)
    assert tuple(seen) == shown.pending
    assert plan_destruction(things, provider="cloud").pending == ()
    assert [each.writes for each in (theirs, setting, absent)] == [[], [], []]


def test_a_destruction_says_what_there_is_to_know_of_what_goes_and_of_what_stays() -> None:
    """What is lost with an object, and why another is kept; whoever follows it is told the same."""
    gone = Thing(name="gone", wanted=WANTED, present={}, note="its log is lost")
    kept = Fixed(name="kept", wanted=WANTED, present={}, note="it holds 12 images")
    seen: list[Change] = []
    shown = plan_destruction([gone, kept], provider="cloud")
    assert [(change.action, change.note) for change in shown.changes] == [
        (Action.NONE, "it holds 12 images"),
        (Action.DELETE, "its log is lost"),
    ]
    destroy_objects([gone, kept], provider="cloud", on_plan=accept_plan, on_change=seen.append)
    assert [change.note for change in seen] == ["its log is lost"]


def test_a_plan_that_is_refused_changes_nothing() -> None:
    """Whoever is shown the fresh plan may stop the apply, and the destruction."""
    thing, other = Thing(wanted=WANTED), Thing(wanted=WANTED, present={})

    def refuse(changes: ChangeSet) -> None:
        raise ConflictError(f"{len(changes.pending)} changes are too many")

    for run, item in ((apply_objects, thing), (destroy_objects, other)):
        with pytest.raises(ConflictError, match="1 changes are too many"):
            run([item], provider="cloud", on_plan=refuse, on_change=lambda change: None)
    assert thing.writes == other.writes == []


def test_what_a_person_must_do_is_a_step_with_its_page() -> None:
    """The apply leaves it alone, and it is no pending change."""
    step = ManualStep(note="accept the connection", link="https://cloud.example/accept")
    thing = Thing(wanted=WANTED, present={"size": "5"}, manual=step)
    (change,) = plan(thing).manual
    assert (change.note, change.link) == (step.note, step.link)
    assert apply(thing) == []


def test_permissions_that_change_are_told_as_statements() -> None:
    """What is granted no longer, then what is granted from now on; equal ones are not mentioned."""
    thing = Thing(wanted=WANTED, present={"size": "4", "colour": "red"})
    statements = plan(thing).pending[0].statements
    assert [(each.action, each.statement.resource) for each in statements] == [
        (Action.DELETE, "4"),
        (Action.CREATE, "5"),
    ]
    thing.present = {"size": "5", "colour": "blue"}
    assert plan(thing).pending[0].statements == ()


def test_a_plan_estimates_the_calls_of_its_apply() -> None:
    """Two for a creation, one for each changed attribute, none for what stays."""
    made, changed = Thing(name="made", wanted=WANTED), Thing(name="changed", wanted=WANTED, present={"size": "5"})
    same = Thing(name="same", wanted=WANTED, present=dict(WANTED))
    assert plan(made, changed, same).calls == 2 + 1
    assert plan(same).calls == 0
