"""From the nodes of a file to a frozen dataclass, refusing everything that its shape does not name."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from sledgehammer.config.document import Entry, Items, Node, Scalar, Section, refusal
from sledgehammer.config.fields import Description
from sledgehammer.config.shapes import (
    AnyOf,
    Choice,
    Kind,
    ListOf,
    MappingOf,
    Record,
    RecordField,
    Shape,
    Single,
    record_shape,
)
from sledgehammer.errors import ConfigurationError

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the project: `path` is empty for the whole of it, else `images[0].name`."""

    path: str = ""

    def key(self, key: str) -> "Place":
        """The place of a key's value."""
        return Place(f"{self.path}.{key}" if self.path else key)

    def item(self, index: int) -> "Place":
        """The place of a list's item."""
        return Place(f"{self.path}[{index}]")

    @property
    def name(self) -> str:
        """The place in a sentence."""
        return self.path or "the project"


def parse_record(node: Node, record_type: type[R], *, place: Place, other_keys: Collection[str] = ()) -> R:
    """Parse a section into its dataclass. `other_keys` may stand there too; the caller parses them.

    Raises ConfigurationError with file and line: unknown, missing or wrong values, and what the dataclass's own
    `__post_init__` refuses.
    """
    record = _parse_section(node, record_shape(record_type), place, other_keys)
    assert isinstance(record, record_type)  # noqa: S101 - the shape was made from this type
    return record


def parse_value(node: Node, shape: Shape, description: Description, place: Place) -> object:
    """Parse any value."""
    match shape:
        case Record():
            return _parse_section(node, shape, place, ())
        case ListOf():
            return _parse_list(node, shape, description, place)
        case MappingOf():
            return _parse_mapping(node, shape, description, place)
        case AnyOf():
            return parse_value(node, _choose(node, shape, place), description, place)
        case Choice():
            return _parse_choice(node, shape, place)
        case Single():
            return _parse_single(node, shape.kind, description, place)


def _parse_section(node: Node, shape: Record, place: Place, other_keys: Collection[str]) -> object:
    if not isinstance(node, Section):
        raise _unexpected(node, "a section of `key: value` lines", place)
    known = {field.key: field for field in shape.fields}
    values: dict[str, object] = {}
    for entry in node.entries:
        if entry.key in known:
            field = known[entry.key]
            values[field.name] = parse_value(entry.value, field.shape, field.description, place.key(entry.key))
        elif entry.key not in other_keys:
            raise _unknown_key(entry, [*known, *other_keys], place)
    _demand_required(node, shape.fields, place)
    try:
        return shape.type(**values)
    except ConfigurationError as error:
        message = f"{place.path}: {error.message}" if place.path else error.message
        raise refusal(node.file, node.line, message, hint=error.hint) from error


def _unknown_key(entry: Entry, known: list[str], place: Place) -> ConfigurationError:
    near = difflib.get_close_matches(entry.key, known, n=1)
    guess = f'; did you mean "{near[0]}"?' if near else ""
    return refusal(
        entry.file,
        entry.line,
        f'unknown key "{entry.key}" in {place.name}{guess}',
        hint=f"known keys: {', '.join(sorted(known))}" if not near else "",
    )


def _demand_required(node: Section, known: tuple[RecordField, ...], place: Place) -> None:
    for field in known:
        if field.is_required and node.find(field.key) is None:
            said = f": {field.description.help}" if field.description.help else ""
            raise refusal(node.file, node.line, f'{place.name} lacks the key "{field.key}"{said}')


def _parse_list(node: Node, shape: ListOf, description: Description, place: Place) -> object:
    if not isinstance(node, Items):
        raise _unexpected(node, "a list", place)
    _demand_bounds(len(node.items), node, description, place, unit=" items")
    of_item = replace(description, minimum=None, maximum=None)
    values = tuple(parse_value(item, shape.item, of_item, place.item(index)) for index, item in enumerate(node.items))
    if description.unique:
        _demand_unique(values, node, description.unique, place)
    return values


def _demand_unique(values: tuple[object, ...], node: Items, name: str, place: Place) -> None:
    seen: dict[object, int] = {}
    for value, item in zip(values, node.items, strict=True):
        key = getattr(value, name)
        if key in seen:
            message = f'{place.path}: the {name} "{key}" is taken by the item of line {seen[key]}'
            raise refusal(item.file, item.line, message)
        seen[key] = item.line


def _parse_mapping(node: Node, shape: MappingOf, description: Description, place: Place) -> Mapping[str, object]:
    if not isinstance(node, Section):
        raise _unexpected(node, "a section of `key: value` lines", place)
    for entry in node.entries:
        if description.key_pattern and not re.fullmatch(description.key_pattern, entry.key):
            expected = description.key_expects or f"a match of {description.key_pattern}"
            message = f'"{entry.key}" is not a legal key in {place.name}; expected {expected}'
            raise refusal(entry.file, entry.line, message)
    return {
        entry.key: parse_value(entry.value, shape.value, description, place.key(entry.key)) for entry in node.entries
    }


def _choose(node: Node, shape: AnyOf, place: Place) -> Shape:
    for alternative in shape.alternatives:
        if _fits(node, alternative):
            return alternative
    sections = [alternative for alternative in shape.alternatives if isinstance(alternative, Record)]
    if isinstance(node, Section) and len(sections) == 1:
        return sections[0]  # its own error says more
    raise _unexpected(node, " or ".join(_label(alternative) for alternative in shape.alternatives), place)


def _fits(node: Node, shape: Shape) -> bool:
    match shape:
        case Single():
            return isinstance(node, Scalar) and _as_kind(node, shape.kind) is not _WRONG
        case Choice():
            return isinstance(node, Scalar) and isinstance(node.value, str)
        case ListOf():
            return isinstance(node, Items)
        case MappingOf():
            return isinstance(node, Section)
        case Record():
            return isinstance(node, Section) and shape.required <= {entry.key for entry in node.entries}
        case AnyOf():
            return any(_fits(node, alternative) for alternative in shape.alternatives)


def _label(shape: Shape) -> str:
    match shape:
        case Single():
            return shape.kind.label
        case Choice():
            return "one of " + ", ".join(f'"{member.value}"' for member in shape.enum)
        case ListOf():
            return "a list"
        case Record() if shape.required:
            return "a section with " + " and ".join(f'"{key}"' for key in sorted(shape.required))
        case Record() | MappingOf():
            return "a section"
        case AnyOf():
            return " or ".join(_label(alternative) for alternative in shape.alternatives)


def _parse_choice(node: Node, shape: Choice, place: Place) -> object:
    legal = [str(member.value) for member in shape.enum]
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        raise _unexpected(node, _label(shape), place)
    if node.value not in legal:
        near = difflib.get_close_matches(node.value, legal, n=1)
        guess = f'; did you mean "{near[0]}"?' if near else ""
        message = f'{place.path}: "{node.value}" is not {_label(shape)}{guess}'
        raise refusal(node.file, node.line, message)
    return shape.enum(node.value)


_WRONG = object()


def _as_kind(node: Scalar, kind: Kind) -> object:
    """The scalar's value, or _WRONG. A whole number may be written 60.0, as in JSON Schema."""
    value = node.value
    match kind:
        case Kind.TEXT:
            return value if isinstance(value, str) else _WRONG
        case Kind.BOOLEAN:
            return value if isinstance(value, bool) else _WRONG
        case Kind.NOTHING:
            return None if value is None else _WRONG
        case Kind.NUMBER:
            return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else _WRONG
        case Kind.INTEGER:
            if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
                return _WRONG
            return int(value)


def _parse_single(node: Node, kind: Kind, description: Description, place: Place) -> object:
    value = _as_kind(node, kind) if isinstance(node, Scalar) else _WRONG
    if value is _WRONG:
        raise _unexpected(node, kind.label, place)
    if isinstance(value, str) and description.pattern and not re.fullmatch(description.pattern, value):
        expected = description.expects or f"a match of {description.pattern}"
        raise refusal(node.file, node.line, f'{place.path}: "{value}" is not allowed; expected {expected}')
    if isinstance(value, int | float) and not isinstance(value, bool):
        _demand_bounds(value, node, description, place)
    return value


def _demand_bounds(value: float, node: Node, description: Description, place: Place, *, unit: str = "") -> None:
    if description.minimum is not None and value < description.minimum:
        message = f"{place.path}: {value}{unit} is too few; at least {description.minimum}"
    elif description.maximum is not None and value > description.maximum:
        message = f"{place.path}: {value}{unit} is too much; at most {description.maximum}"
    else:
        return
    raise refusal(node.file, node.line, message)


def _unexpected(node: Node, expected: str, place: Place) -> ConfigurationError:
    hint = ""
    if isinstance(node, Scalar) and expected.startswith(Kind.TEXT.label) and not isinstance(node.value, str):
        hint = f'put it in quotes: "{node.text}"' if node.value is not None else ""
    message = f"{place.path}: expected {expected}, found {_found(node)}"
    return refusal(node.file, node.line, message, hint=hint)


def _found(node: Node) -> str:
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Section):
        return "a section of `key: value` lines"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return node.text
    if isinstance(node.value, int | float):
        return f"the number {node.text}"
    return f"the date {node.text}" if isinstance(node.value, date) else f'the text "{node.text}"'
