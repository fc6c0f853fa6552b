"""Path patterns, durations, dotenv reports and variable expansion."""

import pytest

from sledgehammer_localstack.ci.dotenv import MAX_SIZE_BYTES, parse_dotenv
from sledgehammer_localstack.ci.durations import duration_s
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.globs import matches_any
from sledgehammer_localstack.ci.model import Variable
from sledgehammer_localstack.ci.variables import (
    as_mapping,
    expand_for_runner,
    expand_text,
    expanded_values,
    is_in_scope,
    layered,
)


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("Dockerfile", "Dockerfile", True),
        ("Dockerfile", "app/Dockerfile", False),
        ("*.md", "README.md", True),
        ("*.md", "docs/a.md", False),
        ("**/*.md", "README.md", True),
        ("**/*.md", "docs/deep/a.md", True),
        ("docs/*", "docs/a", True),
        ("docs/*", "docs/deep/a", False),
        ("docs/**/*", "docs/deep/a", True),
        ("docs/**/*", "docs/a", True),
        ("docs/**", "docs/deep/a", False),
        ("*.{js,ts}", "a.ts", True),
        ("{src,test/{a,b}}/*.py", "test/b/x.py", True),
        ("*.{js,ts}", "a.py", False),
        ("?.txt", "a.txt", True),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[!ab].txt", "c.txt", True),
        ("*", ".hidden", True),
        ("a+b(c).txt", "a+b(c).txt", True),
        ("a{b", "a{b", True),
        (r"\*.md", "*.md", True),
        (r"\*.md", "a.md", False),
    ],
)
def test_a_path_pattern_matches_as_ruby_does(glob: str, path: str, expected: bool) -> None:
    """Stars stay within a directory, `**/` spans them, braces choose, dot files are matched."""
    assert matches_any([glob], [path]) is expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h 30m", 5400),
        ("3600", 3600),
        ("90 minutes", 5400),
        ("1 hour", 3600),
        ("3h30m", 12600),
        ("1 week and 2 days", 777600),
        ("2 hrs, 20 min", 8400),
        ("1.5 hours", 5400),
        ("30 days", 2592000),
        ("10 mins 4 sec", 604),
    ],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    """The forms that GitLab's documentation shows give their seconds."""
    assert duration_s(text, "timeout") == seconds


@pytest.mark.parametrize("text", ["", "soon", "1 fortnight", "h", "0", "1h x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The message names the place and shows the text."""
    with pytest.raises(CiConfigError, match="jobs:a:timeout"):
        duration_s(text, "jobs:a:timeout")


def test_a_dotenv_report_gives_variables() -> None:
    """Names and values, of equal names the last, white space around them dropped."""
    assert as_mapping(parse_dotenv("A=1\nB = two words \nA=3\nURL=http://x/?a=b\n")) == {
        "A": "3",
        "B": "two words",
        "URL": "http://x/?a=b",
    }


@pytest.mark.parametrize("text", ["no equals\n", "A=1\n\nB=2\n", "bad-name=1\n", "A=" + "x" * MAX_SIZE_BYTES])
def test_a_malformed_dotenv_report_is_refused(text: str) -> None:
    """A line without `=`, an empty line, a wrong name or too large a file is an error, as on GitLab."""
    with pytest.raises(CiConfigError):
        parse_dotenv(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}b", "1b"),
        ("%A%", "1"),
        ("$A$B", "1"),
        ("$$A", "$$A"),
        ("100%", "100%"),
        ("%%A%%", "%%A%%"),
        ("$A_B", ""),
        ("$1", "$1"),
        ("${A", "${A"),
    ],
)
def test_references_in_a_text_are_replaced(text: str, expected: str) -> None:
    """All three forms work, doubled signs stay for the runner, unknown names become empty."""
    assert expand_text(text, {"A": "1"}) == expected


def test_the_last_layer_wins_and_each_key_stays_once() -> None:
    """A later variable takes the place of an earlier one of its name."""
    low = (Variable(key="A", value="low"), Variable(key="B", value="b"))
    assert layered(low, (Variable(key="A", value="high"),)) == (
        Variable(key="B", value="b"),
        Variable(key="A", value="high"),
    )


def test_chains_of_references_are_put_in_for_the_runner() -> None:
    """A runner looks one level deep only, so the server resolves chains, in any order of definition."""
    variables = (
        Variable(key="C", value="$B/c"),
        Variable(key="B", value="$A/b"),
        Variable(key="A", value="a"),
    )
    assert as_mapping(expand_for_runner(variables)) == {"A": "a", "B": "a/b", "C": "a/b/c"}


def test_references_to_raw_file_and_unknown_variables_are_left_to_the_runner() -> None:
    """Their values are not copied: a file variable stands for a path, a raw one must not be expanded again."""
    variables = (
        Variable(key="RAW", value="$NOT", raw=True),
        Variable(key="CERT", value="pem", file=True),
        Variable(key="ALL", value="$RAW $CERT $NOWHERE"),
    )
    assert as_mapping(expand_for_runner(variables)) == {
        "RAW": "$NOT",
        "CERT": "pem",
        "ALL": "$RAW $CERT $NOWHERE",
    }


def test_a_circle_of_references_leaves_all_variables_alone() -> None:
    """Nothing is guessed about variables that need each other."""
    circle = (Variable(key="A", value="$B"), Variable(key="B", value="$A"), Variable(key="C", value="$D"))
    assert expand_for_runner(circle) == circle


def test_fully_expanded_values_have_no_references_left() -> None:
    """What the server expands itself knows raw values and takes unknown names as empty."""
    variables = (Variable(key="RAW", value="r$X", raw=True), Variable(key="A", value="$RAW-$GONE-"))
    assert expanded_values(variables) == {"RAW": "r$X", "A": "r$X--"}


@pytest.mark.parametrize(
    ("scope", "environment", "expected"),
    [
        ("*", None, True),
        ("*", "production", True),
        ("production", "production", True),
        ("production", "staging", False),
        ("production", None, False),
        ("review/*", "review/a/b", True),
        ("review/*", "reviews", False),
    ],
)
def test_an_environment_scope_chooses_jobs(scope: str, environment: str | None, expected: bool) -> None:
    """A star in a scope spans everything; jobs without an environment see only the scope `*`."""
    assert is_in_scope(scope, environment) is expected


def test_the_value_of_a_variable_does_not_print() -> None:
    """A variable may hold a secret, so its representation leaves the value out."""
    assert "s3cret" not in repr(Variable(key="A", value="s3cret"))
