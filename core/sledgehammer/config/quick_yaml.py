"""YAML by libyaml's parser, many times as quick as ruamel.yaml's: for files that both are sure to read alike.

libyaml is from the days of YAML 1.1 and tells of mistakes in other words. So it is not asked where there may be a tab,
a line break other than \\n, an anchor, a tag, a block scalar, a directive or the end of a document, and what it refuses
is left to ruamel.yaml. What a plain scalar means comes from ruamel.yaml either way.
"""

import re
from functools import cache, lru_cache

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode as RuamelScalar
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

TAG = "tag:yaml.org,2002:"
"""What the tags of the core schema begin with."""

_UNLIKE = re.compile(r"[\t\x85\u2028\u2029\ufeff]|(?:^|[\s,\[{:?-])[&*!|>%]|^\.\.\.", re.MULTILINE)

_RESOLVER = VersionedResolver()


def compose_quickly(text: str) -> yaml.Node | None:
    """The nodes of one document; None for a file that is ruamel.yaml's to read, and where PyYAML has no libyaml."""
    if not yaml.__with_libyaml__ or _UNLIKE.search(text):
        return None
    try:
        return _loader()(text).get_single_node()
    except yaml.YAMLError:
        return None


def construct_scalar(tag: str, written: str) -> object:
    """The value of a scalar. Raises ValueError for one that only looks like what the tag says."""
    return written if tag == f"{TAG}str" else _construct(tag, written)


@lru_cache(maxsize=1024)
def _construct(tag: str, written: str) -> object:
    return YAML(typ="safe", pure=True).constructor.construct_object(RuamelScalar(Tag(suffix=tag), written))


@lru_cache(maxsize=1024)
def _tag_of_plain(written: str) -> str:
    return str(_RESOLVER.resolve(RuamelScalar, written, (True, False)))


@cache
def _loader() -> "type[yaml.CSafeLoader]":
    """A function, for there is a PyYAML without that class."""

    class Loader(yaml.CSafeLoader):
        """Gives tags as YAML 1.2 has them; no tag depends on where a node stands."""

        def resolve(self, kind: type[yaml.Node], value: object, implicit: tuple[bool, bool]) -> str:
            if kind is yaml.ScalarNode:
                return _tag_of_plain(str(value)) if implicit[0] else f"{TAG}str"
            return f"{TAG}seq" if kind is yaml.SequenceNode else f"{TAG}map"

        def descend_resolver(self, current_node: object, current_index: object) -> None: ...

        def ascend_resolver(self) -> None: ...

    return Loader
