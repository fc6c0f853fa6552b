"""Variables in a Dockerfile's words, as BuildKit's own shell lexer expands them.

Dockerfile reference, "Environment replacement": `$x`, `${x}`, `${x:-word}`, `${x:+word}`, `${x:?word}` (each also
without the colon), `${x#pattern}`, `${x%pattern}`, `${x/pattern/replacement}`, quotes and the escape character.
"""

import re
from collections.abc import Mapping

from sledgehammer.errors import ConfigurationError

_NAME = re.compile(r"[0-9]+|[^\W\d]\w*|[@*#?\-$!]")


def expand(word: str, variables: Mapping[str, str], *, escape: str = "\\") -> str:
    """Expand variables, remove quotes and escapes; an unset variable is empty.

    Raises ConfigurationError for an open quote or brace, an unknown modifier, and an unset `${x:?message}`.
    """
    return _Expansion(word, variables, escape).until("")


class _Expansion:
    """One pass over a word; `_at` is the next character."""

    def __init__(self, word: str, variables: Mapping[str, str], escape: str) -> None:
        self._word = word
        self._variables = variables
        self._escape = escape
        self._at = 0

    def until(self, stop: str, *, is_pattern: bool = False) -> str:
        """Expand up to the unquoted character `stop`, which is consumed; "" is the end of the word.

        A pattern keeps its escapes: they say which of its characters are literal.
        """
        done = ""
        while (character := self._next()) != stop:
            if character == "":
                raise ConfigurationError(f"`{self._word}` ends where a `{stop}` is missing")
            if character == "'":
                done += self._single_quoted()
            elif character == '"':
                done += self._double_quoted()
            elif character == "$":
                done += self._variable()
            elif character == self._escape:
                done += (character if is_pattern else "") + self._next()
            else:
                done += character
        return done

    def _next(self) -> str:
        character = self._word[self._at : self._at + 1]
        self._at += 1
        return character

    def _single_quoted(self) -> str:
        end = self._word.find("'", self._at)
        if end < 0:
            raise ConfigurationError(f"`{self._word}` has an open single quote")
        quoted = self._word[self._at : end]
        self._at = end + 1
        return quoted

    def _double_quoted(self) -> str:
        done = ""
        while (character := self._next()) != '"':
            if character == "":
                raise ConfigurationError(f"`{self._word}` has an open double quote")
            if character == "$":
                done += self._variable()
            elif character == self._escape and self._word[self._at : self._at + 1] in ('"', "$", self._escape):
                done += self._next()
            else:
                done += character
        return done

    def _variable(self) -> str:
        if self._word[self._at : self._at + 1] != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._at += 1
        if (name := self._name()) == "":
            raise ConfigurationError(f"`{self._word}` has a bad substitution", hint="write ${NAME} or ${NAME:-default}")
        modifier = self._next()
        if modifier == "":
            raise ConfigurationError(f"`{self._word}` ends where a `}}` is missing")
        if modifier == "}":
            return self._variables.get(name, "")
        if modifier in ("#", "%"):
            return self._trimmed(name, modifier)
        if modifier == "/":
            return self._replaced(name)
        return self._defaulted(name, modifier)

    def _name(self) -> str:
        found = _NAME.match(self._word, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _defaulted(self, name: str, modifier: str) -> str:
        empty_is_unset = modifier == ":"
        kind = self._next() if empty_is_unset else modifier
        if kind not in ("-", "+", "?"):
            raise ConfigurationError(
                f"`{self._word}` has the unknown modifier `{modifier}{kind if empty_is_unset else ''}`"
            )
        word = self.until("}")
        value = self._variables.get(name)
        is_unset = value is None or (empty_is_unset and value == "")
        if kind == "+":
            return "" if is_unset else word
        if kind == "?" and is_unset:
            raise ConfigurationError(f"{name}: {word or 'is not allowed to be unset'}")
        return word if is_unset else value or ""

    def _trimmed(self, name: str, side: str) -> str:
        pattern = self.until("}", is_pattern=True)
        is_longest = pattern.startswith(side)
        expression = _expression(pattern.removeprefix(side), is_longest=is_longest)
        value = self._variables.get(name, "")
        if side == "#":
            found = re.match(expression, value)
            return value[found.end() :] if found else value
        starts = range(len(value) + 1) if is_longest else range(len(value), -1, -1)
        cut = next((start for start in starts if re.fullmatch(expression, value[start:])), len(value))
        return value[:cut]

    def _replaced(self, name: str) -> str:
        is_every = self._word[self._at : self._at + 1] == "/"
        self._at += is_every
        pattern = self.until("/", is_pattern=True)
        replacement = self.until("}", is_pattern=True)
        expression = _expression(pattern, is_longest=True)
        value = self._variables.get(name, "")
        return re.sub(expression, lambda found: replacement, value, count=0 if is_every else 1)


def _expression(pattern: str, *, is_longest: bool) -> str:
    """A shell pattern of `*` and `?` as a regular expression; an escape makes the next character literal."""
    wild = {"*": ".*" if is_longest else ".*?", "?": "."}
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "(?s)" + "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
