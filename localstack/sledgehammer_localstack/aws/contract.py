"""An AWS service's own description of itself, and whether a request or an answer keeps to it.

The description is botocore's service model. botocore's validator knows required members, unknown members,
types and lower bounds; upper bounds, enumerations and patterns are in the model but only the service checks
them, so they are checked here.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator


class ServiceContract:
    """The operations of one service, `codebuild` or `ecr`, as its model has them."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.model = ServiceModel(Loader().load_service_model(service, "service-2"), service_name=service)

    def has_operation(self, operation: str) -> bool:
        """Whether AWS has such a call."""
        return operation in self.model.operation_names

    def input_faults(self, operation: str, request: Mapping[str, Any]) -> list[str]:
        """What in a request breaks the model, as sentences; empty when nothing does."""
        return _faults(request, self.model.operation_model(operation).input_shape)

    def output_faults(self, operation: str, answer: Mapping[str, Any]) -> list[str]:
        """What in an answer breaks the model; dates are `datetime`s. Lower bounds of lists hold for requests only:
        AWS answers `buildsNotFound: []`."""
        return _faults(_without_empty_lists(answer), self.model.operation_model(operation).output_shape)


@cache
def contract(service: str) -> ServiceContract:
    """The contract of a service; read from disk once per process."""
    return ServiceContract(service)


def _faults(value: Mapping[str, Any], shape: Shape | None) -> list[str]:
    if shape is None:
        return [f"nothing belongs here, got {', '.join(value)}"] if value else []
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return str(report.generate_report()).splitlines()
    return list(_breaches(value, shape, shape.name))


def _without_empty_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_empty_lists(item) for name, item in value.items() if item != []}
    return [_without_empty_lists(item) for item in value] if isinstance(value, list) else value


def _breaches(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Bounds, enumerations and patterns; the types are known to be right."""
    match shape.type_name:
        case "structure":
            for name, item in value.items():
                yield from _breaches(item, shape.members[name], f"{path}.{name}")
        case "list":
            yield from _bounds(len(value), shape, path, "member(s)")
            for number, item in enumerate(value):
                yield from _breaches(item, shape.member, f"{path}[{number}]")
        case "map":
            for key, item in value.items():
                yield from _breaches(item, shape.value, f"{path}.{key}")
        case "string":
            yield from _bounds(len(value), shape, path, "character(s)")
            if shape.enum and value not in shape.enum:
                yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"
            pattern = shape.metadata.get("pattern")
            if pattern and re.fullmatch(_as_python(pattern), value) is None:
                yield f"{path}: {value!r} does not match {pattern}"
        case "integer" | "long":
            yield from _bounds(value, shape, path, "")


def _bounds(size: int, shape: Any, path: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{path}: {size} {unit} is less than {least}"
    if most is not None and size > most:
        yield f"{path}: {size} {unit} is more than {most}"


def _as_python(pattern: str) -> str:
    r"""The model's patterns are Java's: `[\w-_]` holds a dash there and is a bad range here; `\p{L}` is a letter."""
    return pattern.replace(r"[\w-", r"[\w\-").replace(r"\p{L}\p{Z}\p{N}", r"\w\s")
