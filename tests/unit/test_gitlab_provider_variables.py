from dataclasses import replace

import pytest

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError
from sledgehammer.secret import Secret
from sledgehammer_gitlab.observed import ObservedVariable
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.variables import compare_variables, resolve_variables

SECRET = "s3cret-value"
THERE = ObservedVariable(
    key="KEY",
    environment_scope="*",
    value=Secret(SECRET, source="GitLab"),
    masked=True,
    protected=False,
    raw=True,
    description="",
)


def settings_of(**variables: Variable) -> Settings:
    return Settings(project="team/web", variables=variables)


MASKED = settings_of(KEY=Variable(from_env="MY_KEY", masked=True))
DESIRED = resolve_variables(MASKED, {"MY_KEY": SECRET})


def test_gitlab_variable_takes_its_value_from_the_environment() -> None:
    """The variable of the settings is filled here, and a missing one is named before anything is sent."""
    assert DESIRED[0].body()["value"] == SECRET
    with pytest.raises(ConfigurationError, match="KEY takes its value from the environment variable MY_KEY"):
        resolve_variables(MASKED, {})


@pytest.mark.parametrize("value", ["short", "two words", "two\nlines-of-text"])
def test_gitlab_variable_that_cannot_be_masked_is_refused_here(value: str) -> None:
    """GitLab's mask rules are checked before the apply, without the value in the message."""
    with pytest.raises(ConfigurationError, match="cannot mask") as caught:
        resolve_variables(MASKED, {"MY_KEY": value})
    assert value not in str(caught.value)


def test_gitlab_variable_that_is_expanded_has_stricter_mask_rules() -> None:
    """A raw value may hold any character that is not white space, an expanded one only GitLab's alphabet."""
    raw = Variable(from_env="MY_KEY", masked=True)
    assert resolve_variables(settings_of(KEY=raw), {"MY_KEY": "pa$$word!{}"})
    with pytest.raises(ConfigurationError, match="cannot mask"):
        resolve_variables(settings_of(KEY=replace(raw, raw=False)), {"MY_KEY": "pa$$word!{}"})


def test_gitlab_variable_plan_never_shows_a_value() -> None:
    """Create and update say that the value changes, as ***, and which flags."""
    (created,) = compare_variables(DESIRED, [], project="team/web")
    (updated,) = compare_variables(DESIRED, [replace(THERE, value=Secret("old"), masked=False)], project="team/web")
    assert (created.action, updated.action) == (Action.CREATE, Action.UPDATE)
    assert [(item.name, item.before, item.after) for item in updated.attributes] == [
        ("value", "***", "***"),
        ("masked", "false", "true"),
    ]
    assert SECRET not in repr((created, updated, DESIRED, THERE))


def test_gitlab_variable_that_is_right_changes_nothing() -> None:
    """An equal variable is nothing to do, and variables of others are not mentioned."""
    other = replace(THERE, key="OTHER")
    (change,) = compare_variables(DESIRED, [other, THERE], project="team/web")
    assert change.action is Action.NONE


def test_gitlab_variable_is_identified_by_key_and_scope() -> None:
    """The same key in another environment scope is another variable."""
    (change,) = compare_variables(DESIRED, [replace(THERE, environment_scope="prod")], project="team/web")
    assert change.action is Action.CREATE


def test_gitlab_variable_that_is_hidden_asks_for_a_person() -> None:
    """Its value cannot be read, so the plan says what to do instead of writing at every apply."""
    (change,) = compare_variables(DESIRED, [replace(THERE, value=None)], project="team/web")
    assert change.action is Action.MANUAL
    assert "hidden" in change.note
