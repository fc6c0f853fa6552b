"""The parameters of a request, query and body merged as GitLab merges them, with its sentences for wrong ones."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Request

from sledgehammer_localstack.gitlab.answers import Json, bad_parameter

_TRUE = {"true", "1", "t", "yes", "on"}
_FALSE = {"false", "0", "f", "no", "off", ""}


class Parameters:
    """Typed reading of one request's parameters; an absent one is None, a wrong one a 400."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Whether the caller sent it, null included."""
        return name in self._values

    def text(self, name: str) -> str | None:
        """A text; numbers are taken for text as they stand."""
        value = self._values.get(name)
        if isinstance(value, dict | list):
            raise bad_parameter(f"{name} is invalid")
        if isinstance(value, bool):
            return "true" if value else "false"
        return None if value is None else str(value)

    def required(self, name: str) -> str:
        """A text that must be there and not be empty."""
        value = self.text(name)
        if value is None:
            raise bad_parameter(f"{name} is missing")
        if not value.strip():
            raise bad_parameter(f"{name} is empty")
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise bad_parameter(f"{name} is invalid")
        return word in _TRUE

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_parameter(f"{name} is invalid") from None

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """A text out of a few."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise bad_parameter(f"{name} does not have a valid value")
        return value

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Several texts: a JSON array, `name[]=…` repeated, or one text with commas."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, list):
            return tuple(str(item) for item in value)
        return tuple(part.strip() for part in str(value).split(",") if part.strip())

    def objects(self, name: str) -> list["Parameters"] | None:
        """A JSON array of objects."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_parameter(f"{name} is invalid")
        return [Parameters(item) for item in value]

    def object(self, name: str) -> "Parameters":
        """A JSON object; an absent one is empty."""
        value = self._values.get(name)
        return Parameters(value if isinstance(value, dict) else {})

    def json(self, name: str) -> Json:
        """The value as it came."""
        value: Json = self._values.get(name)
        return value


def read_parameters(request: Request) -> Parameters:
    """Query, then body (JSON or a form) over it; `name[]` is a list. 400 for JSON that is none."""
    values: dict[str, Any] = _flat(request.args.to_dict(flat=False))
    if request.mimetype == "application/json":
        body = request.get_data()
        if body:
            try:
                sent = json.loads(body)
            except ValueError:
                raise bad_parameter("Problems parsing JSON") from None
            if isinstance(sent, dict):
                values |= sent
    elif request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        values |= _flat(request.form.to_dict(flat=False))
    return Parameters(values)


def _flat(lists: Mapping[str, list[str]]) -> dict[str, Any]:
    return {name.removesuffix("[]"): entries if name.endswith("[]") else entries[-1] for name, entries in lists.items()}
