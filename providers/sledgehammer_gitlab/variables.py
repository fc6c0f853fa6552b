"""CI/CD variables as the settings ask for them, and what GitLab would refuse of that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer.errors import ConfigurationError
from sledgehammer.provisioning.fingerprint import fingerprint_key
from sledgehammer.secret import Secret
from sledgehammer_gitlab.attribute_text import as_text
from sledgehammer_gitlab.settings import Settings, Variable
from sledgehammer_gitlab.upkeep_settings import ScheduleVariable

MASKABLE = re.compile(r"[a-zA-Z0-9_+=/@:.~-]{8,}")
MASKABLE_RAW = re.compile(r"\S{8,}")
"""What GitLab can mask, expanded and raw (docs.gitlab.com/ci/variables, "Mask a CI/CD variable")."""

REWRITE_VARIABLE = "SLEDGE_REWRITE_HIDDEN"
"""Environment variable that has an apply write all hidden values, whether they differ or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenValues:
    """How values that cannot be read are treated: by the key of their fingerprints, None without one."""

    key: Secret | None = None
    is_rewriting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredVariable:
    """A variable as it shall be."""

    key: str
    value: Secret
    settings: Variable

    def attributes(self) -> dict[str, str]:
        """All but the value, as a person reads it."""
        said = self.settings
        flags = {"masked": said.masked, "protected": said.protected, "raw": said.raw, "hidden": said.hidden}
        return {
            **{name: as_text(is_set) for name, is_set in flags.items()},
            "description": said.description,
        }

    def body(self) -> dict[str, object]:
        """The attributes as the API takes them for a new variable and for a change, but the description."""
        return {
            "value": self.value.reveal(),
            "masked": self.settings.masked,
            "protected": self.settings.protected,
            "raw": self.settings.raw,
            "environment_scope": self.settings.environment_scope,
        }


def hidden_values(environment: Mapping[str, str]) -> HiddenValues:
    """As this machine's environment says."""
    return HiddenValues(key=fingerprint_key(environment), is_rewriting=environment.get(REWRITE_VARIABLE) == "1")


def resolve_variables(settings: Settings, environment: Mapping[str, str]) -> tuple[DesiredVariable, ...]:
    """Take values from this machine's environment. Raises ConfigurationError for what GitLab would refuse."""
    resolved = tuple(
        DesiredVariable(key=key, value=_value_of(key, variable, environment), settings=variable)
        for key, variable in settings.each_variable
    )
    for variable in resolved:
        check_maskable(variable.key, variable.value, is_masked=variable.settings.masked, is_raw=variable.settings.raw)
    return resolved


def resolve_schedule_variables(
    settings: Settings, environment: Mapping[str, str]
) -> Mapping[str, Mapping[str, Secret]]:
    """By schedule and key, for schedules that name any. Raises ConfigurationError for a value that is empty, which a
    comparison cannot tell from none, or that this environment lacks."""
    found = {
        title: {
            key: _value_of(f"{key} of schedule {title}", one, environment) for key, one in schedule.variables.items()
        }
        for title, schedule in (settings.schedules or {}).items()
        if schedule.variables is not None
    }
    for title, values in found.items():
        if empty := [key for key, value in values.items() if not value.reveal()]:
            raise ConfigurationError(f"variable {empty[0]} of schedule {title} is empty", hint="leave it out")
    return found


def check_maskable(key: str, value: Secret, *, is_masked: bool, is_raw: bool) -> None:
    """Raise ConfigurationError, without the value, where GitLab would not mask it."""
    rule = MASKABLE_RAW if is_raw else MASKABLE
    if not is_masked or rule.fullmatch(value.reveal()) is not None:
        return
    allowed = "no white space" if is_raw else "only letters, digits and _ + = / @ : . ~ -"
    raise ConfigurationError(
        f"GitLab cannot mask the value of CI/CD variable {key} (from {value.source}): "
        f"it takes at least 8 characters, one line, {allowed}",
        hint="choose another value, or set masked: false",
    )


def _value_of(key: str, variable: Variable | ScheduleVariable, environment: Mapping[str, str]) -> Secret:
    if variable.from_env is None:
        return Secret(variable.value or "", source="sledge.yaml")
    if variable.from_env not in environment:
        raise ConfigurationError(
            f"CI/CD variable {key} takes its value from the environment variable {variable.from_env}, "
            "which is not set here",
            hint=f"export {variable.from_env}=…",
        )
    return Secret(environment[variable.from_env], source=variable.from_env)
