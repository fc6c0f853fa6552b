"""The JSON Schema of `sledge.yaml`, for editors and checkers: made from the same shapes as the parser.

It refuses what the parser refuses, but for what JSON Schema cannot say: two records of one name, keys written
twice, and a settings dataclass's own `__post_init__`.
"""

from collections.abc import Mapping

from sledgehammer.config.fields import Description
from sledgehammer.config.project_file import ProjectFile
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
from sledgehammer.ports import Provider

JsonObject = dict[str, object]


def project_schema(providers: Mapping[str, Provider]) -> JsonObject:
    """JSON Schema (2020-12) of the whole file; `providers` as for load_project."""
    sections = {
        name: {"description": f"Settings of the provider {name}", **json_schema(provider.settings_type)}
        for name, provider in sorted(providers.items())
    }
    schema = json_schema(ProjectFile)
    properties = schema.pop("properties")
    assert isinstance(properties, dict)  # noqa: S101 - a record's schema always has them
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sledge.yaml",
        **schema,
        "properties": {**properties, **sections},
    }


def json_schema(record_type: type) -> JsonObject:
    """Schema of one settings dataclass."""
    return _record_schema(record_shape(record_type))


def _record_schema(shape: Record) -> JsonObject:
    schema: JsonObject = {
        "type": "object",
        "properties": {field.key: _field_schema(field) for field in shape.fields},
        "additionalProperties": False,
    }
    if shape.required:
        schema["required"] = sorted(shape.required)
    return schema


def _field_schema(field: RecordField) -> JsonObject:
    schema = _schema(field.shape, field.description)
    if field.description.help:
        schema = {"description": field.description.help, **schema}
    if isinstance(field.default, str | int | float) and field.default != "":
        schema["default"] = field.default
    return schema


def _schema(shape: Shape, description: Description) -> JsonObject:
    match shape:
        case Record():
            return _record_schema(shape)
        case ListOf():
            return _list_schema(shape, description)
        case MappingOf():
            names = {"propertyNames": {"pattern": _whole(description.key_pattern)}}
            values: JsonObject = {"type": "object", "additionalProperties": _schema(shape.value, description)}
            return {**values, **names} if description.key_pattern else values
        case AnyOf():
            return {"anyOf": [_schema(alternative, description) for alternative in shape.alternatives]}
        case Choice():
            return {"enum": [member.value for member in shape.enum]}
        case Single():
            return _single_schema(shape.kind, description)


def _list_schema(shape: ListOf, description: Description) -> JsonObject:
    of_item = Description(help="", pattern=description.pattern, key_pattern=description.key_pattern)
    schema: JsonObject = {"type": "array", "items": _schema(shape.item, of_item)}
    if description.minimum is not None:
        schema["minItems"] = description.minimum
    if description.maximum is not None:
        schema["maxItems"] = description.maximum
    return schema


def _single_schema(kind: Kind, description: Description) -> JsonObject:
    schema: JsonObject = {"type": kind.json_type}
    if kind is Kind.TEXT and description.pattern:
        schema["pattern"] = _whole(description.pattern)
    if kind in (Kind.INTEGER, Kind.NUMBER) and description.minimum is not None:
        schema["minimum"] = description.minimum
    if kind in (Kind.INTEGER, Kind.NUMBER) and description.maximum is not None:
        schema["maximum"] = description.maximum
    return schema


def _whole(pattern: str) -> str:
    """JSON Schema searches; our patterns match the whole text."""
    return f"^(?:{pattern})$"
