from dataclasses import replace

import pytest

from sledgehammer.errors import ConfigurationError
from sledgehammer_gitlab.marks import LONGEST_DESCRIPTION, Mark, marked, read_mark
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.variables import resolve_variables

SECRET = "s3cret-value"


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


def test_gitlab_variable_that_is_hidden_must_be_masked_too() -> None:
    """GitLab has no hidden variable that shows in logs."""
    with pytest.raises(ConfigurationError, match="a hidden variable is masked, too"):
        Variable(value="a-long-value", hidden=True)


def test_gitlab_variable_has_a_list_of_values_that_can_be_told_apart() -> None:
    """By environment or by group; two for the same place, or none, are refused."""
    one = Variable(value="x")
    listed = (one, replace(one, environment_scope="prod"), replace(one, group="team"))
    wanted = Settings(project="team/web", variables={"KEY": listed, "A": one})
    assert wanted.each_variable == (("A", one), *(("KEY", each) for each in listed))
    for wrong in ((one, replace(one, value="y")), ()):
        with pytest.raises(ConfigurationError, match=r"variables\.KEY: a list has a value for each environment_scope"):
            Settings(project="team/web", variables={"KEY": wrong})


@pytest.mark.parametrize("text", ["", "what it is for", "ends with ]", "[sledge] in the middle"])
@pytest.mark.parametrize("mark", [Mark(), Mark(by="team/web"), Mark(value="0a1b", token="17")])
def test_gitlab_mark_is_read_back_beside_a_persons_text(text: str, mark: Mark) -> None:
    """Both come back as they were written."""
    assert read_mark(marked(text, mark)) == (text, mark)


def test_gitlab_text_without_our_mark_is_somebody_elses() -> None:
    """No description, an ordinary one, and one that only speaks of us."""
    for text in (None, "", "a note", "see [sledge] for more", "[sledgehammer]"):
        assert read_mark(text) == (text or "", None)


def test_gitlab_description_with_our_mark_must_fit() -> None:
    """GitLab would cut or refuse it: the plan does, and says how much room there is."""
    longest = "x" * (LONGEST_DESCRIPTION - len(" [sledge]"))
    assert marked(longest, Mark()).endswith("[sledge]")
    with pytest.raises(ConfigurationError, match="room for 246 characters"):
        marked(longest + "x", Mark())
