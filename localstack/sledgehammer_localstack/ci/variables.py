"""Layering and expansion of variables, after GitLab's own two mechanisms.

Sources: docs.gitlab.com, ci/variables ("CI/CD variable precedence", "Use CI/CD variables in other variables") and
ci/variables/where_variables_can_be_used ("Expansion mechanisms").
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from sledgehammer_localstack.ci.globs import wildcard_pattern
from sledgehammer_localstack.ci.model import Variable

_REFERENCE = re.compile(r"\$\$|%%|\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)\}|%([A-Za-z_]\w*)%", re.ASCII)


def layered(*layers: Iterable[Variable]) -> tuple[Variable, ...]:
    """One variable per key: of several, the one of the last layer, at its place there."""
    merged: dict[str, Variable] = {}
    for layer in layers:
        for variable in layer:
            merged.pop(variable.key, None)
            merged[variable.key] = variable
    return tuple(merged.values())


def as_mapping(variables: Iterable[Variable]) -> dict[str, str]:
    """Keys and values; a later variable of the same key wins."""
    return {variable.key: variable.value for variable in variables}


def expand_text(text: str, values: Mapping[str, str], *, keep_unknown: bool = False) -> str:
    """Replace `$NAME`, `${NAME}` and `%NAME%`. `$$` and `%%` stay as they are, for the runner to unescape; an
    unknown name becomes empty unless `keep_unknown`."""

    def replacement(match: re.Match[str]) -> str:
        name = next((group for group in match.groups() if group), None)
        if name is None:
            return match[0]
        return values.get(name, match[0] if keep_unknown else "")

    return _REFERENCE.sub(replacement, text)


def references(text: str) -> frozenset[str]:
    """The names that a text refers to."""
    return frozenset(name for match in _REFERENCE.finditer(text) for name in match.groups() if name)


def expand_for_runner(variables: Iterable[Variable]) -> tuple[Variable, ...]:
    """Put the values of variables into each other, as GitLab does before it hands them to a runner, which itself
    looks only one level deep. References to unknown, raw and file variables stay: the runner knows their values.
    Variables that refer to each other in a circle are left as they are, all of them."""
    by_key = {variable.key: variable for variable in variables}
    graph = {key: set() if v.raw else references(v.value) & by_key.keys() for key, v in by_key.items()}
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError:
        return tuple(by_key.values())
    known: dict[str, str] = {}
    for key in order:
        variable = by_key[key]
        if not variable.raw:
            by_key[key] = replace(variable, value=expand_text(variable.value, known, keep_unknown=True))
            if not variable.file:
                known[key] = by_key[key].value
    return tuple(by_key.values())


def expanded_values(variables: Iterable[Variable]) -> dict[str, str]:
    """Keys and fully expanded values, for texts that the server itself expands; unknown names become empty."""
    expanded = expand_for_runner(variables)
    plain = as_mapping(expanded)
    return {v.key: v.value if v.raw else expand_text(v.value, plain) for v in expanded}


def is_in_scope(environment_scope: str, environment: str | None) -> bool:
    """Whether a variable with this environment scope reaches a job; `*` reaches all, `review/*` its environments."""
    if environment_scope == "*":
        return True
    return environment is not None and wildcard_pattern(environment_scope).fullmatch(environment) is not None
