"""The language of `rules:if`.

Source: docs.gitlab.com, ci/jobs/job_rules ("CI/CD variable expressions"). A value alone holds when it is neither
null nor empty; `&&` binds tighter than `||`, comparisons tighter than both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer_localstack.ci.errors import CiConfigError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<variable>\$\w+) | (?P<string>"[^"]*"|'[^']*') | (?P<null>null\b)
    | (?P<pattern>/(?:[^/\\]|\\.)+/[ismU]*) | (?P<operator>==|!=|=~|!~|&&|\|\||\(|\)) )""",
    re.VERBOSE,
)
_PATTERN = re.compile(r"/(.*)/([ismU]*)", re.DOTALL)
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE}
_COMPARISONS = frozenset({"==", "!=", "=~", "!~"})

Value = str | bool | None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


class Expression:
    """A parsed expression. Raises CiConfigError for text outside the language; `where` names the rule."""

    def __init__(self, text: str, *, where: str) -> None:
        self._text = text
        self._where = where
        self._tokens = self._tokenize()
        self._position = 0
        # Parsing evaluates as it goes; a dry run over no variables finds every mistake of form.
        self.holds({})

    def holds(self, variables: Mapping[str, str]) -> bool:
        """Whether the expression is true for these variables."""
        self._position = 0
        value = self._either(variables)
        if self._position != len(self._tokens):
            raise self._invalid()
        return _is_present(value)

    def _tokenize(self) -> list[_Token]:
        tokens, position, text = [], 0, self._text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self._invalid()
            tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
            position = match.end()
        if not tokens:
            raise self._invalid()
        return tokens

    def _invalid(self, reason: str = "invalid expression syntax") -> CiConfigError:
        return CiConfigError(f"{self._where} {reason}: `{self._text}`")

    def _next_is(self, *operators: str) -> str | None:
        if self._position < len(self._tokens):
            token = self._tokens[self._position]
            if token.kind == "operator" and token.text in operators:
                self._position += 1
                return token.text
        return None

    def _either(self, variables: Mapping[str, str]) -> Value:
        left = self._both(variables)
        while self._next_is("||"):
            right = self._both(variables)
            left = left if _is_set(left) else right
        return left

    def _both(self, variables: Mapping[str, str]) -> Value:
        left = self._comparison(variables)
        while self._next_is("&&"):
            right = self._comparison(variables)
            left = right if _is_set(left) else left
        return left

    def _comparison(self, variables: Mapping[str, str]) -> Value:
        left = self._value(variables)
        while operator := self._next_is(*_COMPARISONS):
            right = self._value(variables)
            if operator in {"==", "!="}:
                left = (left == right) == (operator == "==")
            else:
                left = self._matches(left, right) == (operator == "=~")
        return left

    def _value(self, variables: Mapping[str, str]) -> Value:
        if self._next_is("("):
            value = self._either(variables)
            if not self._next_is(")"):
                raise self._invalid()
            return value
        if self._position >= len(self._tokens):
            raise self._invalid()
        token = self._tokens[self._position]
        self._position += 1
        if token.kind == "operator":
            raise self._invalid()
        if token.kind == "variable":
            return variables.get(token.text[1:])
        if token.kind == "null":
            return None
        if token.kind == "pattern":
            self._compiled(token.text)
            return token.text
        return token.text[1:-1]

    def _matches(self, left: Value, right: Value) -> bool:
        if not isinstance(right, str):
            return False
        return self._compiled(right).search(left if isinstance(left, str) else "") is not None

    def _compiled(self, text: str) -> re.Pattern[str]:
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise self._invalid(f"needs a pattern such as /^release/ after =~, got `{text}`")
        if "U" in match[2]:
            raise self._invalid("has the pattern flag U, which the local GitLab does not know")
        flags = re.RegexFlag(0)
        for letter in match[2]:
            flags |= _FLAGS[letter]
        try:
            # RE2 writes the end of the text as \z, Python as \Z.
            return re.compile(match[1].replace(r"\/", "/").replace(r"\z", r"\Z"), flags)
        except re.error as error:
            raise self._invalid(f"has an invalid regular expression ({error})") from error


def _is_set(value: Value) -> bool:
    # Operators take an empty string as true (Ruby's truth), only the whole expression does not.
    return value is not None and value is not False


def _is_present(value: Value) -> bool:
    return value.strip() != "" if isinstance(value, str) else bool(value)
