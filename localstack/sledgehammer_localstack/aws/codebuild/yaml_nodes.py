"""Reading YAML with the place of every value, and every scalar as the text that was written.

CodeBuild takes `- true` and `- 1.10` as commands as they stand, so nothing may be resolved to a type.
"""

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sledgehammer.errors import ConfigurationError


class YamlFileError(ConfigurationError):
    """A buildspec that cannot be run; CodeBuild's status code for it is YAML_FILE_ERROR."""


def compose(text: str) -> Node:
    """The document's root node. Raises YamlFileError at the line of a syntax error."""
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise YamlFileError(f"{error.problem or error}{line}") from error
    except YAMLError as error:
        raise YamlFileError(str(error)) from error
    if root is None:
        raise YamlFileError("the buildspec is empty")
    return root


def fault(node: Node, message: str) -> YamlFileError:
    """An error at a node's line."""
    return YamlFileError(f"{message} at line {node.start_mark.line + 1}")


def entries(node: Node, what: str) -> Iterator[tuple[str, Node]]:
    """Keys and values of a mapping; a key that stands twice is an error."""
    if not isinstance(node, MappingNode):
        raise fault(node, f"expected {what} to be a mapping")
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise fault(key, f"a key of {what} is no text")
        if key.value in seen:
            raise fault(key, f"{what} has {key.value} twice")
        seen.add(key.value)
        yield key.value, value


def known_entries(node: Node, what: str, known: tuple[str, ...]) -> dict[str, Node]:
    """A mapping whose keys are among `known`; any other is an error that names it."""
    found = dict(entries(node, what))
    if unknown := [key for key in found if key not in known]:
        raise fault(found[unknown[0]], f"unknown key {unknown[0]} in {what}; known are {', '.join(known)}")
    return found


def text(node: Node, what: str) -> str:
    """A scalar as it was written."""
    if not isinstance(node, ScalarNode):
        raise fault(node, f"Expected {what} to be of string type: found subkeys instead")
    return str(node.value)


def texts(node: Node, what: str) -> tuple[str, ...]:
    """A list of scalars."""
    if not isinstance(node, SequenceNode):
        raise fault(node, f"expected {what} to be a list")
    return tuple(text(item, f"{what}[{number}]") for number, item in enumerate(node.value))


def text_map(node: Node, what: str) -> dict[str, str]:
    """A mapping of scalars."""
    return {key: text(value, f"{what}.{key}") for key, value in entries(node, what)}


def flag(node: Node, what: str) -> bool:
    """`yes` or `no` in any of YAML's spellings."""
    word = text(node, what).lower()
    if word in {"yes", "true", "on"}:
        return True
    if word in {"no", "false", "off"}:
        return False
    raise fault(node, f"expected {what} to be yes or no, got {word}")
