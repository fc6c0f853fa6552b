"""The YAML of a CI file as a tree of plain values, with GitLab's `!reference` tag.

GitLab reads YAML 1.1 as Ruby's Psych does: `yes` is a boolean and 012 an octal number, but `y` is a word.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.resolver import VersionedResolver

from sledgehammer_localstack.ci.errors import CiConfigError


@dataclass(frozen=True, slots=True)
class Reference:
    """`!reference [job, keyword, …]`: the value found on that path."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return "!reference [" + ", ".join(f'"{part}"' for part in self.path) + "]"


Scalar = str | int | float | bool | None
Tree = Scalar | Reference | list["Tree"] | dict[str, "Tree"]
Mapping = dict[str, Tree]


class _Constructor(SafeConstructor):
    """Safe values, plus references; dates stay text."""


class _Resolver(VersionedResolver):
    """YAML 1.1 but for `y` and `n`."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0] and value in {"y", "Y", "n", "N"}:
            return self.DEFAULT_SCALAR_TAG
        return super().resolve(kind, value, implicit)


class _Representer(SafeRepresenter):
    """Writes without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _construct_reference(constructor: Any, node: Any) -> Reference:
    path = constructor.construct_sequence(node, deep=True)
    return Reference(tuple(str(part) for part in path))


def _construct_text(constructor: Any, node: Any) -> str:
    return cast(str, constructor.construct_scalar(node))


_Constructor.add_constructor("!reference", _construct_reference)
_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)


def load_tree(text: str, path: str) -> Mapping:
    """Parse one file; `path` names it in errors. Raises CiConfigError for text that is no single YAML mapping."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    yaml.Constructor = _Constructor
    yaml.Resolver = _Resolver
    try:
        documents = list(yaml.load_all(text))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise CiConfigError(f"{path}:{line}: Invalid configuration format: {error.problem}") from error
    except YAMLError as error:
        raise CiConfigError(f"{path}: Invalid configuration format: {error}") from error
    if len(documents) > 1:
        raise CiConfigError(f"{path}: a header document (`spec`) is not supported by the local GitLab")
    if not documents or documents[0] is None:
        raise CiConfigError(f"{path}: Please provide content of the CI file, it is empty")
    return _checked(documents[0], path)


def dump_tree(tree: Mapping) -> str:
    """The tree as YAML text."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue()


def mapped(tree: Tree, change: Callable[[Reference], Tree]) -> Tree:
    """The tree with every reference replaced."""
    if isinstance(tree, Reference):
        return change(tree)
    if isinstance(tree, list):
        return [mapped(item, change) for item in tree]
    if isinstance(tree, dict):
        return {key: mapped(value, change) for key, value in tree.items()}
    return tree


def merged(base: Mapping, over: Mapping) -> Mapping:
    """GitLab's deep merge: mappings key by key, anything else is replaced by `over`."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _checked(tree: Any, path: str) -> Mapping:
    if not isinstance(tree, dict):
        raise CiConfigError(f"{path}: Invalid configuration format: the file is not a mapping")
    return {_key(key): _plain(value) for key, value in tree.items()}


def _plain(value: Any) -> Tree:
    if isinstance(value, dict):
        return {_key(key): _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return cast(Tree, value)


def _key(key: Any) -> str:
    # YAML 1.1 reads an unquoted `on` or `yes` as a boolean; as a key the user means the word.
    if key is None:
        return "null"
    return str(key).lower() if isinstance(key, bool) else str(key)
