"""YAML text as a tree of frozen nodes that know their file and line: the edge at which YAML ends.

YAML 1.2: `yes` and `no` are text. Only plain data: tags other than the core schema's are refused, and so are
keys that are not text and keys written twice.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from sledgehammer.config.quick_yaml import TAG, compose_quickly, construct_scalar
from sledgehammer.errors import ConfigurationError

_SCALARS = frozenset({"str", "int", "float", "bool", "null", "timestamp"})

Plain = str | int | float | bool | date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value; `text` is how it is written."""

    file: str
    line: int
    value: Plain
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    file: str
    line: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One `key: value`; `line` is the key's."""

    file: str
    line: int
    key: str
    value: "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A mapping, in the order of the file."""

    file: str
    line: int
    entries: tuple[Entry, ...]

    def find(self, key: str) -> Entry | None:
        """The entry of that key."""
        return next((entry for entry in self.entries if entry.key == key), None)


Node = Scalar | Items | Section


def refusal(file: str, line: int, message: str, *, hint: str = "") -> ConfigurationError:
    """An error that names file and line the way compilers do."""
    return ConfigurationError(f"{file}:{line}: {message}", hint=hint)


def read_document(text: str, *, file: str) -> Section:
    """Read one YAML document that is a mapping; `file` is the name for errors."""
    if (quick := compose_quickly(text)) is not None:
        with suppress(ConfigurationError):  # which the other reader words
            return _read(cast(YamlNode, quick), file, lambda node: construct_scalar(str(node.tag), node.value))
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        found = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        line = min(found, len(text.splitlines()))  # an end that came too early is marked behind the last line
        said = "; ".join(part for part in (error.context, error.problem) if part)
        raise refusal(file, line, f"not YAML: {said}") from error
    except YAMLError as error:
        raise refusal(file, 1, f"not YAML: {' '.join(str(error).split())}") from error
    if root is None:
        raise refusal(file, 1, "the file is empty", hint="start it with version: 1 and name: <project>")
    return _read(root, file, yaml.constructor.construct_object)


class YamlNode(Protocol):
    """What the nodes of ruamel.yaml and PyYAML share. `id` is scalar, sequence or mapping."""

    id: str
    tag: Any
    value: Any
    start_mark: Any


def _read(root: YamlNode, file: str, construct: Callable[[YamlNode], object]) -> Section:
    node = _Reader(file=file, construct=construct).read(root)
    if not isinstance(node, Section):
        raise refusal(file, node.line, "expected `key: value` lines at the top level")
    return node


class _Reader:
    """Turns a library's nodes into ours. Aliases give one node at several places; one inside itself is refused."""

    def __init__(self, *, file: str, construct: Callable[[YamlNode], object]) -> None:
        self._file = file
        self._construct = construct
        self._open: set[int] = set()

    def read(self, node: YamlNode) -> Node:
        line = node.start_mark.line + 1
        if id(node) in self._open:
            raise refusal(self._file, line, f"the anchor &{getattr(node, 'anchor', '')} contains itself")
        self._open.add(id(node))
        try:
            return self._read_known(node, line)
        finally:
            self._open.discard(id(node))

    def _read_known(self, node: YamlNode, line: int) -> Node:
        kind = str(node.tag).removeprefix(TAG)
        if node.id == "scalar" and kind in _SCALARS:
            return self._read_scalar(node, line)
        if node.id == "sequence" and kind == "seq":
            return Items(file=self._file, line=line, items=tuple(self.read(item) for item in node.value))
        if node.id == "mapping" and kind == "map":
            return self._read_section(node, line)
        raise refusal(self._file, line, f"the YAML tag {node.tag} is not supported", hint="write plain values")

    def _read_scalar(self, node: YamlNode, line: int) -> Scalar:
        try:
            value = cast(Plain, self._construct(node))
        except (ValueError, YAMLError) as error:
            raise refusal(self._file, line, f'"{node.value}" is not what its YAML tag says') from error
        return Scalar(file=self._file, line=line, value=value, text=str(node.value))

    def _read_section(self, node: YamlNode, line: int) -> Section:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if key_node.id != "scalar" or str(key_node.tag) != f"{TAG}str":
                raise refusal(self._file, key_line, f"the key {_written(key_node)} is not text", hint="quote it")
            key = str(key_node.value)
            if key in entries:
                first = entries[key].line
                raise refusal(self._file, key_line, f'the key "{key}" is here twice; first in line {first}')
            entries[key] = Entry(file=self._file, line=key_line, key=key, value=self._read_value(value_node, key_line))
        return Section(file=self._file, line=line, entries=tuple(entries.values()))

    def _read_value(self, node: YamlNode, key_line: int) -> Node:
        """A value that is not there has its mark at the next token, which may be lines away."""
        if node.id == "scalar" and node.value == "" and str(node.tag) == f"{TAG}null":
            return Scalar(file=self._file, line=key_line, value=None, text="")
        return self.read(node)


def _written(node: YamlNode) -> str:
    return str(node.value) if node.id == "scalar" else "that is itself a list or a mapping"
