"""Splitting an instruction's text: flags, words, the JSON form, and the marks of here-documents."""

import json
import re
from dataclasses import dataclass

from sledgehammer.errors import ConfigurationError

_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """`--name=value`; a flag without `=` has the value None."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeredocMark:
    """`<<NAME` in an instruction: its body follows the line."""

    name: str
    strips_tabs: bool  # <<-
    expands: bool  # off when the name is quoted


def split_words(text: str) -> list[str]:
    """Words between white space that is neither quoted nor escaped; quotes and escapes stay in.

    Raises ConfigurationError for an open quote.
    """
    words: list[str] = []
    word, quote, at = "", "", 0
    while at < len(text):
        character = text[at]
        if character == "\\" and quote != "'" and at + 1 < len(text):
            word += text[at : at + 2]
            at += 2
            continue
        if quote == "" and character.isspace():
            if word:
                words.append(word)
            word = ""
        else:
            word += character
        if character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        at += 1
    if quote:
        raise ConfigurationError(f"`{text}` has an open quote")
    return [*words, word] if word else words


def unquote(word: str) -> str:
    """A word without its quotes and escapes."""
    plain, quote, at = "", "", 0
    while at < len(word):
        character = word[at]
        if character == "\\" and quote != "'" and at + 1 < len(word):
            plain += word[at + 1]
            at += 1
        elif character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        else:
            plain += character
        at += 1
    return plain


def split_flags(text: str) -> tuple[tuple[Flag, ...], str]:
    """Leading `--flags` and the rest. A lone `--` ends the flags."""
    flags: list[Flag] = []
    rest = text.strip()
    while rest.startswith("--"):
        word = _first_word(rest)
        rest = rest[len(word) :].lstrip()
        if word == "--":
            break
        name, equals, value = unquote(word[2:]).partition("=")
        flags.append(Flag(name=name, value=value if equals else None))
    return tuple(flags), rest


def _first_word(text: str) -> str:
    found = re.match(r"""(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"\\]|\\$|['"])+""", text)
    return found[0] if found else text


def read_json_form(text: str) -> tuple[str, ...] | None:
    """The exec form `["a", "b"]`, or None for the shell form; broken JSON is the shell form too, as in BuildKit.

    Raises ConfigurationError for an array of anything but strings.
    """
    if not text.startswith("["):
        return None
    try:
        array = json.loads(text)
    except ValueError:
        return None
    if not isinstance(array, list):
        return None
    if not all(isinstance(item, str) for item in array):
        raise ConfigurationError("a JSON array here holds strings only")
    return tuple(array)


def find_heredocs(text: str) -> tuple[HeredocMark, ...]:
    """The here-documents that this text opens, in order. As in BuildKit, text with an open quote opens none."""
    try:
        words = split_words(text)
    except ConfigurationError:
        return ()
    marks = []
    for word in words:
        found = _HEREDOC.fullmatch(word)
        if found is None or (name := unquote(found[3])) == "":
            continue
        is_quoted = "'" in found[3] or '"' in found[3]
        marks.append(HeredocMark(name=name, strips_tabs=found[2] == "-", expands=not is_quoted))
    return tuple(marks)
