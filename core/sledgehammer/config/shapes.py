"""What may be written where: a dataclass's type hints as a small algebra that parser and schema both walk."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Union, get_args, get_origin, get_type_hints

from sledgehammer.config.fields import Description, description_of


class Kind(Enum):
    """A single value, as a person and as JSON Schema call it."""

    TEXT = ("text", "string")
    INTEGER = ("a whole number", "integer")
    NUMBER = ("a number", "number")
    BOOLEAN = ("true or false", "boolean")
    NOTHING = ("nothing", "null")

    @property
    def label(self) -> str:
        """The word in error messages."""
        return self.value[0]

    @property
    def json_type(self) -> str:
        """The word in JSON Schema."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Single:
    """One scalar."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """One of an Enum's values."""

    enum: type[Enum]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, read into a tuple."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class MappingOf:
    """Keys of the user's choice."""

    value: "Shape"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A union; a reader tells its alternatives apart by kind, or by their required keys."""

    alternatives: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A section with known keys, read into `type`."""

    type: type
    fields: tuple["RecordField", ...]

    @property
    def required(self) -> frozenset[str]:
        """Keys that must be there."""
        return frozenset(known.key for known in self.fields if known.is_required)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordField:
    """One key of a section; `name` is the dataclass's field."""

    name: str
    key: str
    shape: "Shape"
    is_required: bool
    default: object  # None unless the default is a value of its own
    description: Description


Shape = Single | Choice | ListOf | MappingOf | AnyOf | Record

_SINGLES = {
    str: Single(Kind.TEXT),
    int: Single(Kind.INTEGER),
    float: Single(Kind.NUMBER),
    bool: Single(Kind.BOOLEAN),
    types.NoneType: Single(Kind.NOTHING),
}


def record_shape(record_type: type) -> Record:
    """The shape of a settings dataclass, found out once. Raises TypeError for a type that no file can hold."""
    return _find_shape(record_type)


@cache
def _find_shape(record_type: type) -> Record:
    hints = get_type_hints(record_type)
    return Record(record_type, tuple(_field_shape(known, hints[known.name]) for known in fields(record_type)))


def _field_shape(declared: Field[object], hint: object) -> RecordField:
    description = description_of(declared)
    return RecordField(
        name=declared.name,
        key=description.key or declared.name,
        shape=_shape(hint),
        is_required=declared.default is MISSING and declared.default_factory is MISSING,
        default=None if declared.default is MISSING else declared.default,
        description=description,
    )


def _shape(hint: object) -> Shape:
    if isinstance(hint, type) and hint in _SINGLES:
        return _SINGLES[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return record_shape(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, Union):
        return AnyOf(tuple(_shape(argument) for argument in arguments))
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return ListOf(_shape(arguments[0]))
    if origin is Mapping and arguments[0] is str:
        return MappingOf(_shape(arguments[1]))
    raise TypeError(f"a settings field cannot be of type {hint}; see sledgehammer.config.fields")
