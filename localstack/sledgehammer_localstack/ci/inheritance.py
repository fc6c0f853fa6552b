"""`extends` and `!reference`: what makes one tree of several jobs.

Source: docs.gitlab.com, ci/yaml ("extends") and ci/yaml/yaml_optimization ("!reference tags"). As on GitLab,
`extends` is worked out first, and references look into the result.
"""

from sledgehammer_localstack.ci.errors import CiConfigError, Problems, nearest
from sledgehammer_localstack.ci.reading import as_text_or_texts
from sledgehammer_localstack.ci.tree import Mapping, Reference, Tree, mapped, merged

MAX_EXTENDS_DEPTH = 11
MAX_REFERENCE_DEPTH = 10


def resolved(tree: Mapping) -> Mapping:
    """The whole file without `extends` and without references. Raises CiConfigError with every mistake."""
    problems = Problems()
    extended: Mapping = {}
    for name, entry in tree.items():
        with problems.gathering():
            extended[name] = _extended(name, tree, ()) if isinstance(entry, dict) else entry
    problems.raise_any()
    result: Mapping = {}
    for name, entry in extended.items():
        with problems.gathering():
            result[name] = _dereferenced(entry, extended, ())
    problems.raise_any()
    return result


def _extended(name: str, tree: Mapping, trail: tuple[str, ...]) -> Mapping:
    if name in trail:
        raise CiConfigError(f"{name}: circular dependency detected in `extends`")
    if len(trail) > MAX_EXTENDS_DEPTH:
        raise CiConfigError(f"{name}: nesting too deep in `extends`")
    entry = tree[name]
    assert isinstance(entry, dict)  # noqa: S101 - callers look first
    if entry.get("extends") is None:
        return {key: value for key, value in entry.items() if key != "extends"}
    base: Mapping = {}
    for parent in as_text_or_texts(entry["extends"], f"jobs:{name}:extends"):
        if not isinstance(tree.get(parent), dict):
            raise CiConfigError(f"{name}: unknown keys in `extends` ({parent}){nearest(parent, list(tree))}")
        base = merged(base, _extended(parent, tree, (*trail, name)))
    return merged(base, {key: value for key, value in entry.items() if key != "extends"})


def _dereferenced(value: Tree, tree: Mapping, trail: tuple[Reference, ...]) -> Tree:
    def found(reference: Reference) -> Tree:
        if reference in trail:
            raise CiConfigError(f"{reference} is part of a circular chain")
        if len(trail) >= MAX_REFERENCE_DEPTH:
            raise CiConfigError(f"{reference} is nested more than {MAX_REFERENCE_DEPTH} levels deep")
        return _dereferenced(_lookup(reference, tree), tree, (*trail, reference))

    return mapped(value, found)


def _lookup(reference: Reference, tree: Mapping) -> Tree:
    value: Tree = tree
    for part in reference.path:
        if not isinstance(value, dict) or part not in value:
            raise CiConfigError(f"{reference} could not be found")
        value = value[part]
    return value
