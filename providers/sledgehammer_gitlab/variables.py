"""CI/CD variables: what the settings ask for, what GitLab would refuse, and how it differs from what is there."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sledgehammer.changes import Action, AttributeChange, Change
from sledgehammer.errors import ConfigurationError
from sledgehammer.secret import Secret
from sledgehammer_gitlab.observed import ObservedVariable
from sledgehammer_gitlab.settings import Settings, Variable

KIND = "gitlab_variable"

MASKABLE = re.compile(r"[a-zA-Z0-9_+=/@:.~-]{8,}")
MASKABLE_RAW = re.compile(r"\S{8,}")
"""What GitLab can mask, expanded and raw (docs.gitlab.com/ci/variables, "Mask a CI/CD variable")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredVariable:
    """A variable as it shall be."""

    key: str
    value: Secret
    settings: Variable

    @property
    def name(self) -> str:
        """How a person names it: the key, with its scope where that is not all environments."""
        scope = self.settings.environment_scope
        return self.key if scope == "*" else f"{self.key} [{scope}]"

    def body(self) -> dict[str, object]:
        """The attributes as the API takes them."""
        return {
            "value": self.value.reveal(),
            "masked": self.settings.masked,
            "protected": self.settings.protected,
            "raw": self.settings.raw,
            "environment_scope": self.settings.environment_scope,
            "description": self.settings.description,
        }


def resolve_variables(settings: Settings, environment: Mapping[str, str]) -> tuple[DesiredVariable, ...]:
    """Take values from this machine's environment. Raises ConfigurationError for what GitLab would refuse."""
    resolved = tuple(
        DesiredVariable(key=key, value=_value_of(key, variable, environment), settings=variable)
        for key, variable in sorted(settings.variables.items())
    )
    for variable in resolved:
        _check_maskable(variable)
    return resolved


def is_same(variable: DesiredVariable, observed: ObservedVariable) -> bool:
    """Identity on GitLab: key and environment scope."""
    return (variable.key, variable.settings.environment_scope) == (observed.key, observed.environment_scope)


def compare_variables(
    desired: Iterable[DesiredVariable], observed: Iterable[ObservedVariable], *, project: str
) -> tuple[Change, ...]:
    """One change per desired variable, in their order; variables that nobody asked for are left alone."""
    there = tuple(observed)
    return tuple(
        _compare(variable, next((found for found in there if is_same(variable, found)), None), project)
        for variable in desired
    )


def _compare(desired: DesiredVariable, observed: ObservedVariable | None, project: str) -> Change:
    name = f"{project} {desired.name}"
    wanted = _flags(desired.settings.masked, desired.settings.protected, desired.settings.raw)
    wanted["description"] = desired.settings.description
    if observed is None:
        shown = (AttributeChange(name="value", before="", after="***"), *_differences({}, wanted))
        return Change(action=Action.CREATE, kind=KIND, name=name, attributes=shown)
    if observed.value is None:
        note = "it is hidden, so its value cannot be compared: delete it on GitLab, then apply makes it anew"
        return Change(action=Action.MANUAL, kind=KIND, name=name, note=note)
    present = _flags(observed.masked, observed.protected, observed.raw)
    differences = _differences({**present, "description": observed.description}, wanted)
    if observed.value.reveal() != desired.value.reveal():
        differences = (AttributeChange(name="value", before="***", after="***"), *differences)
    action = Action.UPDATE if differences else Action.NONE
    return Change(action=action, kind=KIND, name=name, attributes=differences)


def _flags(masked: bool, protected: bool, raw: bool) -> dict[str, str]:
    flags = {"masked": masked, "protected": protected, "raw": raw}
    return {name: "true" if is_set else "false" for name, is_set in flags.items()}


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[AttributeChange, ...]:
    return tuple(
        AttributeChange(name=name, before=before.get(name, ""), after=value)
        for name, value in after.items()
        if before.get(name, "") != value
    )


def _value_of(key: str, variable: Variable, environment: Mapping[str, str]) -> Secret:
    if variable.from_env is None:
        return Secret(variable.value or "", source="sledge.yaml")
    if variable.from_env not in environment:
        raise ConfigurationError(
            f"CI/CD variable {key} takes its value from the environment variable {variable.from_env}, "
            "which is not set here",
            hint=f"export {variable.from_env}=…",
        )
    return Secret(environment[variable.from_env], source=variable.from_env)


def _check_maskable(variable: DesiredVariable) -> None:
    if not variable.settings.masked:
        return
    rule = MASKABLE_RAW if variable.settings.raw else MASKABLE
    if rule.fullmatch(variable.value.reveal()) is None:
        allowed = "no white space" if variable.settings.raw else "only letters, digits and _ + = / @ : . ~ -"
        raise ConfigurationError(
            f"GitLab cannot mask the value of CI/CD variable {variable.key} (from {variable.value.source}): "
            f"it takes at least 8 characters, one line, {allowed}",
            hint="choose another value, or set masked: false",
        )
