"""Variables in a Dockerfile's words expand as in BuildKit."""

import pytest

from sledgehammer.dockerfile.expand import expand
from sledgehammer.errors import ConfigurationError

VARIABLES = {"x": "foobar.tar.gz", "empty": "", "path": "a/b/c", "version": "1.85"}


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("rust:1", "rust:1"),
        ("rust:$version-slim", "rust:1.85-slim"),
        ("rust:${version}slim", "rust:1.85slim"),
        ("$unset", ""),
        ("a$", "a$"),
        ("$$", ""),
        ("$1st", "st"),
        ("${unset:-fall}", "fall"),
        ("${unset-fall}", "fall"),
        ("${empty:-fall}", "fall"),
        ("${empty-fall}", ""),
        ("${version:-fall}", "1.85"),
        ("${unset:-${version}-slim}", "1.85-slim"),
        ("${unset:-}", ""),
        ("${version:+set}", "set"),
        ("${empty:+set}", ""),
        ("${empty+set}", "set"),
        ("${unset+set}", ""),
        ("${version:?gone}", "1.85"),
        ("${x#foo}", "bar.tar.gz"),
        ("${x#*.}", "tar.gz"),
        ("${x##*.}", "gz"),
        ("${x%.*}", "foobar.tar"),
        ("${x%%.*}", "foobar"),
        ("${x%?z}", "foobar.tar."),
        ("${x%none}", "foobar.tar.gz"),
        ("${path/b/x}", "a/x/c"),
        (r"${path/\//-}", "a-b/c"),
        (r"${path//\//-}", "a-b-c"),
        ("${x//a*r/_}", "foob_.gz"),
        ("'$version'", "$version"),
        ('"$version"', "1.85"),
        ('"it\'s $version"', "it's 1.85"),
        (r"\$version", "$version"),
        (r'"\$version \" \n"', r'$version " \n'),
        (r"a\\b", r"a\b"),
        ("a\\", "a"),
    ],
)
def test_words_expand(word: str, expanded: str) -> None:
    """Each form of the Dockerfile reference gives what BuildKit gives."""
    assert expand(word, VARIABLES) == expanded


def test_the_escape_directive_moves_the_escape_character() -> None:
    """With escape=` a backslash is a character like any other."""
    assert expand("C:\\$version`$x", {"version": "1"}, escape="`") == "C:\\1$x"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("${version", "ends where a `}` is missing"),
        ("${", "has a bad substitution"),
        ("${}", "has a bad substitution"),
        ("${:-x}", "has a bad substitution"),
        ("${version:-x", "ends where a `}` is missing"),
        ("${version^^}", "has the unknown modifier `\\^`"),
        ("${version:=x}", "has the unknown modifier `:=`"),
        ("${unset:?give one}", "unset: give one"),
        ("${empty:?}", "empty: is not allowed to be unset"),
        ("'open", "has an open single quote"),
        ('"open', "has an open double quote"),
    ],
)
def test_broken_words_are_refused(word: str, message: str) -> None:
    """What BuildKit refuses is refused here, naming the word."""
    with pytest.raises(ConfigurationError, match=message):
        expand(word, VARIABLES)
