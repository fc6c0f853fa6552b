"""The language of `rules:if`."""

import pytest

from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.expressions import Expression

VARIABLES = {
    "BRANCH": "main",
    "TAG": "v1.2.3",
    "EMPTY": "",
    "PATTERN": "/^ma/",
    "MULTI": "first\nsecond",
    "PATH_LIKE": "a/b",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$BRANCH", True),
        ("$EMPTY", False),
        ("$MISSING", False),
        ('$BRANCH == "main"', True),
        ("$BRANCH == 'main'", True),
        ('"main" == $BRANCH', True),
        ('$BRANCH != "main"', False),
        ("$MISSING == null", True),
        ("$EMPTY == null", False),
        ('$EMPTY == ""', True),
        ("$MISSING != null", False),
        ('$MISSING == ""', False),
        ("$TAG =~ /^v\\d+\\.\\d+\\.\\d+$/", True),
        ("$TAG =~ /^V1/", False),
        ("$TAG =~ /^V1/i", True),
        ("$TAG !~ /^v/", False),
        ("$MISSING =~ /x/", False),
        ("$MISSING !~ /x/", True),
        ("$BRANCH =~ $PATTERN", True),
        ("$BRANCH =~ $MISSING", False),
        ("$MULTI =~ /^second$/", False),
        ("$MULTI =~ /^second$/m", True),
        ("$MULTI =~ /first.second/s", True),
        (r"$PATH_LIKE =~ /^a\/b$/", True),
        ('$BRANCH == "main" && $TAG', True),
        ('$BRANCH == "dev" && $TAG', False),
        ('$BRANCH == "dev" || $TAG', True),
        ('$BRANCH == "dev" || $BRANCH == "main" && $MISSING', False),
        ('($BRANCH == "dev" || $BRANCH == "main") && $TAG =~ /^v/', True),
        ('$BRANCH == "main" || $BRANCH == "dev" && $MISSING', True),
        ("(($BRANCH))", True),
        ("$EMPTY && $TAG", True),
        ('"text"', True),
        ('$BRANCH=="main"&&$TAG', True),
    ],
)
def test_an_expression_holds_as_on_gitlab(text: str, expected: bool) -> None:
    """Comparisons, patterns, precedence, null and GitLab's truth of empty strings come out as documented."""
    assert Expression(text, where="rule").holds(VARIABLES) is expected


@pytest.mark.parametrize(
    "text",
    ["$A ==", "== $A", "$A = 1", "$A == main", "($A", "$A)", "", "$A && ", "$A $B", "$A =~ /(/", "$A =~ /a/U", "!$A"],
)
def test_text_outside_the_language_is_an_error_that_quotes_it(text: str) -> None:
    """A malformed expression is refused when it is read, whatever the variables are, and the message shows it."""
    with pytest.raises(CiConfigError) as caught:
        Expression(text, where="jobs:build:rules:rule:if")
    assert f"`{text}`" in str(caught.value)
    assert "jobs:build:rules:rule:if" in str(caught.value)


def test_a_variable_that_is_no_pattern_is_refused_when_matched() -> None:
    """`=~` with a variable whose value has no slashes says what a pattern looks like."""
    with pytest.raises(CiConfigError, match="needs a pattern"):
        Expression("$BRANCH =~ $TAG", where="rule").holds(VARIABLES)
