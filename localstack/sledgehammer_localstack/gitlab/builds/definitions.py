"""Compiled jobs as JSON text and back: how they are kept in the database."""

import json
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache

from sledgehammer_localstack.ci.model import Job


def dump_job(job: Job) -> str:
    """The JSON text of a compiled job."""
    return json.dumps(_plain(job))


def load_job(text: str) -> Job:
    """The compiled job that `dump_job` wrote."""
    job = _typed(Job, json.loads(text))
    assert isinstance(job, Job)  # noqa: S101 - the codec's own type
    return job


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    return value


@cache
def _hints(record: type) -> dict[str, typing.Any]:
    return typing.get_type_hints(record)


def _typed(hint: typing.Any, value: typing.Any) -> object:
    if value is None:
        return None
    if isinstance(hint, types.UnionType):
        return _typed(next(part for part in hint.__args__ if part is not types.NoneType), value)
    if typing.get_origin(hint) is tuple:
        return tuple(_typed(typing.get_args(hint)[0], item) for item in value)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{name: _typed(hints[name], item) for name, item in value.items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return value
