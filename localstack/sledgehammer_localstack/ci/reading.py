"""Checks of shape while a tree is read: each returns the value in its type or raises CiConfigError.

`where` is the place in GitLab's notation, such as `jobs:build:artifacts`; sentences follow GitLab's lint.
"""

from collections.abc import Collection, Sequence
from collections.abc import Mapping as AnyMapping

from sledgehammer_localstack.ci.errors import CiConfigError, nearest
from sledgehammer_localstack.ci.tree import Mapping, Tree

MAX_SCRIPT_DEPTH = 10


def as_mapping(value: Tree, where: str) -> Mapping:
    """A mapping of any keys."""
    if not isinstance(value, dict):
        raise CiConfigError(f"{where} config should be a hash")
    return value


def as_record(value: Tree, where: str, *, known: Sequence[str], refused: Collection[str] = ()) -> Mapping:
    """A mapping with known keys only. `refused` are GitLab's keys that the local GitLab does not carry out.
    Keys whose value is null are left out."""
    mapping = as_mapping(value, where)
    check_keys(mapping, where, known=known, refused=refused)
    return {key: below for key, below in mapping.items() if below is not None}


def check_keys(
    mapping: AnyMapping[str, Tree], where: str, *, known: Sequence[str], refused: Collection[str] = ()
) -> None:
    """Raise CiConfigError that names every key that is unknown or not supported."""
    sentences = [
        f"{where} config uses `{key}`, which the local GitLab does not support"
        if key in refused
        else f"{where} config contains unknown keys: {key}{nearest(key, known)}"
        for key in mapping
        if key not in known
    ]
    if sentences:
        raise CiConfigError(*sentences)


def as_text(value: Tree, where: str) -> str:
    """A string; a number is taken as written."""
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return str(value)
    raise CiConfigError(f"{where} config should be a string")


def as_bool(value: Tree, where: str) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise CiConfigError(f"{where} config should be a boolean value")
    return value


def as_int(value: Tree, where: str, *, at_least: int, at_most: int) -> int:
    """An integer within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
        raise CiConfigError(f"{where} config should be a whole number from {at_least} to {at_most}")
    return value


def as_word(value: Tree, where: str, *, among: Sequence[str]) -> str:
    """One of the listed words."""
    if value not in among or not isinstance(value, str):
        hint = nearest(value, among) if isinstance(value, str) else ""
        raise CiConfigError(f"{where} config should be one of: {', '.join(among)}{hint}")
    return value


def as_texts(value: Tree, where: str) -> tuple[str, ...]:
    """A list of strings; lists inside it, as references leave them, are flattened."""
    if not isinstance(value, list):
        raise CiConfigError(f"{where} config should be an array of strings")
    texts: list[str] = []
    for item in flattened(value, where):
        if not isinstance(item, str):
            raise CiConfigError(f"{where} config should be an array of strings")
        texts.append(item)
    return tuple(texts)


def as_text_or_texts(value: Tree, where: str) -> tuple[str, ...]:
    """A string or a list of strings."""
    return (value,) if isinstance(value, str) else as_texts(value, where)


def as_script(value: Tree, where: str) -> tuple[str, ...]:
    """Commands: a string or a nested list of strings."""
    try:
        return as_text_or_texts(value, where)
    except CiConfigError as error:
        raise CiConfigError(
            f"{where} config should be a string or a nested array of strings up to {MAX_SCRIPT_DEPTH} levels deep"
        ) from error


def flattened(items: list[Tree], where: str, depth: int = 0) -> list[Tree]:
    """The items of nested lists in order."""
    if depth > MAX_SCRIPT_DEPTH:
        raise CiConfigError(f"{where} config should be nested at most {MAX_SCRIPT_DEPTH} levels deep")
    flat: list[Tree] = []
    for item in items:
        flat.extend(flattened(item, where, depth + 1) if isinstance(item, list) else [item])
    return flat
