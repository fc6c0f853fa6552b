"""What every provider must do, as one suite of pytest: ours pass it, and so should yours.

    class TestMyCloud(ProviderContract):
        @pytest.fixture
        def rehearsal(self, tmp_path: Path) -> Iterator[Rehearsal]:
            with my_cloud_on_this_machine(tmp_path) as made:
                yield made

Importing this module needs pytest, which Sledgehammer itself does not bring.
"""
# ruff: noqa: S101 - assertions are what a test is made of

from collections.abc import Sequence
from typing import Protocol

import pytest

from sledgehammer.changes import Action, Change, ChangeSet
from sledgehammer.errors import ConflictError
from sledgehammer.outcome import BuiltImage, FailureClass, Outcome, Status
from sledgehammer.ports import Connection, ObjectOwner, Provider
from sledgehammer.project import Project
from sledgehammer.providers import load_providers
from sledgehammer.session import plan_for
from sledgehammer.shell import render_script

DIGEST = f"sha256:{'a' * 64}"
SAID = ("one", "two", "sledge: image web: 3 of 5 steps cached", f"sledge: image web: pushed host/web@{DIGEST}")


class Rehearsal(Protocol):
    """A project that was never applied, its checkout with one commit, and the cloud on this machine it goes to.

    The builds that it scripts need no Docker: what counts is how the provider starts, follows and stops them.
    """

    @property
    def provider(self) -> Provider:
        """The object of the entry point."""

    @property
    def project(self) -> Project:
        """With the provider's section, and a Dockerfile for each image below its root."""

    def connect(self) -> Connection:
        """As a new process would, with everything read anew."""

    def commit(self) -> str:
        """Commit a change of one file; gives the commit."""

    def script_build(self, lines: Sequence[str], *, succeeds: bool) -> None:
        """The next builds print these lines, then end. Called before the apply that brings it about."""

    def script_endless_build(self) -> None:
        """The next build ends only when it is canceled. Called before the apply."""


class ProviderContract:
    """Subclass it, and give it a fixture `rehearsal`."""

    def test_it_is_found_by_its_name(self, rehearsal: Rehearsal) -> None:
        """`-p NAME` and the key in sledge.yaml are the entry point's name."""
        assert load_providers()[rehearsal.provider.name] is rehearsal.provider

    def test_every_image_and_every_cache_has_a_place_of_its_own(self, rehearsal: Rehearsal) -> None:
        """No image overwrites another, no cache an image."""
        repositories = rehearsal.provider.destination(rehearsal.project).repositories
        places = [place for each in repositories.values() for place in (each.image, each.cache)]

        assert set(repositories) == {image.name for image in rehearsal.project.images}
        assert len(set(places)) == len(places)

    def test_the_ci_file_holds_the_plans_script(self, rehearsal: Rehearsal) -> None:
        """Line for line the script that other CIs run, and the same text for the same plan."""
        provider, project = rehearsal.provider, rehearsal.project
        plan = plan_for(project, provider.destination(project))
        rendered = provider.render(project, plan)

        assert rendered == provider.render(project, plan)
        written = {line.strip() for line in rendered.text.splitlines()}
        assert {line.strip() for line in render_script(plan).splitlines()} <= written

    def test_a_plan_makes_nothing(self, rehearsal: Rehearsal) -> None:
        """Before the first apply there is something to do, and after that plan still the same."""
        first = rehearsal.connect().plan()

        assert first.provider == rehearsal.provider.name
        assert first.pending
        assert rehearsal.connect().plan() == first

    def test_an_apply_does_what_the_plan_showed_and_the_next_does_nothing(self, rehearsal: Rehearsal) -> None:
        """Each change is told once, in the plan's order."""
        shown = rehearsal.connect().plan().pending

        assert apply(rehearsal) == list(shown)
        assert apply(rehearsal) == []
        assert rehearsal.connect().plan().pending == ()

    def test_an_apply_whose_plan_is_refused_changes_nothing(self, rehearsal: Rehearsal) -> None:
        """Whoever compares it with a saved plan may say no before the first change."""
        first = rehearsal.connect().plan()

        def refuse(changes: ChangeSet) -> None:
            assert changes == first
            raise ConflictError("another plan was reviewed")

        with pytest.raises(ConflictError, match="another plan was reviewed"):
            rehearsal.connect().apply(on_change=refuse_change, on_plan=refuse)
        assert rehearsal.connect().plan() == first

    def test_a_destruction_leaves_nothing_to_destroy(self, rehearsal: Rehearsal) -> None:
        """It does what its plan showed, a second time nothing; and an apply then makes all of it anew."""
        apply(rehearsal)
        shown = _owner(rehearsal).plan_destruction().pending
        told: list[Change] = []
        _owner(rehearsal).destroy(on_change=told.append)

        assert told == list(shown) != []
        assert {change.action for change in told} == {Action.DELETE}
        assert _owner(rehearsal).plan_destruction().pending == ()
        assert apply(rehearsal)
        assert rehearsal.connect().plan().pending == ()

    def test_a_new_commit_is_something_to_do(self, rehearsal: Rehearsal) -> None:
        """The cloud follows the checkout, one apply at a time."""
        apply(rehearsal)
        rehearsal.commit()

        assert rehearsal.connect().plan().pending
        apply(rehearsal)
        assert rehearsal.connect().plan().pending == ()

    def test_what_was_not_applied_is_not_built(self, rehearsal: Rehearsal) -> None:
        """Neither before the first apply nor after a new commit; the error names the command to run."""
        command = f"sledge apply -p {rehearsal.provider.name}"
        with pytest.raises(ConflictError, match=command):
            rehearsal.connect().trigger()
        apply(rehearsal)
        rehearsal.commit()
        with pytest.raises(ConflictError, match=command):
            rehearsal.connect().trigger()

    def test_a_build_is_followed_to_its_report(self, rehearsal: Rehearsal) -> None:
        """Every line comes once and in order; commit, cached steps and digest are in the outcome."""
        commit = rehearsal.commit()
        outcome, lines = build(rehearsal, SAID, succeeds=True)

        assert [line for line in lines if line in SAID] == list(SAID)
        assert (outcome.status, outcome.failure, outcome.reason) == (Status.SUCCEEDED, FailureClass.NONE, "")
        assert (outcome.run.provider, outcome.run.commit) == (rehearsal.provider.name, commit)
        assert outcome.images == (
            BuiltImage(image="web", reference=f"host/web@{DIGEST}", cached_steps=3, total_steps=5),
        )

    def test_a_failing_script_is_the_users_failure(self, rehearsal: Rehearsal) -> None:
        """The log is shown to its end, and the outcome has a reason."""
        outcome, lines = build(rehearsal, ("no such file",), succeeds=False)

        assert "no such file" in lines
        assert (outcome.status, outcome.failure) == (Status.FAILED, FailureClass.USER)
        assert outcome.reason

    def test_a_canceled_build_ends_as_canceled(self, rehearsal: Rehearsal) -> None:
        """Canceling it again does no harm."""
        rehearsal.script_endless_build()
        apply(rehearsal)
        connection = rehearsal.connect()
        run = connection.trigger()
        connection.cancel(run)
        connection.cancel(run)

        assert connection.follow(run, on_log=lambda line: None).status is Status.CANCELED

    def test_two_runs_are_two_builds(self, rehearsal: Rehearsal) -> None:
        """Asking twice builds twice, though nothing has changed."""
        rehearsal.script_endless_build()
        apply(rehearsal)
        connection = rehearsal.connect()
        first, second = connection.trigger(), connection.trigger()
        for run in (first, second):
            connection.cancel(run)

        assert first.id != second.id


def _owner(rehearsal: Rehearsal) -> ObjectOwner:
    """The connection, if it can tell what is its own."""
    connection = rehearsal.connect()
    if not isinstance(connection, ObjectOwner):
        pytest.skip(f"{rehearsal.provider.name} is no ObjectOwner")
    return connection


def refuse_change(change: Change) -> None:
    """For an apply that must change nothing."""
    raise AssertionError(f"{change.address} was changed")


def apply(rehearsal: Rehearsal) -> list[Change]:
    """Apply, and give what was told meanwhile."""
    told: list[Change] = []
    rehearsal.connect().apply(on_change=told.append)
    return told


def build(rehearsal: Rehearsal, lines: Sequence[str], *, succeeds: bool) -> tuple[Outcome, list[str]]:
    """Apply, build and follow; gives the outcome and the log."""
    rehearsal.script_build(lines, succeeds=succeeds)
    apply(rehearsal)
    connection, log = rehearsal.connect(), list[str]()
    return connection.follow(connection.trigger(), on_log=log.append), log
