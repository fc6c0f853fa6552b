"""`variables:` mappings of the CI file."""

from sledgehammer_localstack.ci.errors import CiConfigError, Problems
from sledgehammer_localstack.ci.model import Variable
from sledgehammer_localstack.ci.reading import as_bool, as_record, as_text, as_texts
from sledgehammer_localstack.ci.tree import Mapping, Tree


def parse_variables(entries: Mapping, where: str) -> tuple[Variable, ...]:
    """Variables of a job, a rule or a service: a plain value, or `value` with `expand`."""
    return _parsed(entries, where, known=("value", "expand"))


def parse_global_variables(entries: Mapping, where: str) -> tuple[Variable, ...]:
    """Variables of the whole file, which may carry a `description` and `options` for the web form."""
    return _parsed(entries, where, known=("value", "expand", "description", "options"))


def _parsed(entries: Mapping, where: str, *, known: tuple[str, ...]) -> tuple[Variable, ...]:
    problems = Problems()
    variables: list[Variable] = []
    for key, entry in entries.items():
        with problems.gathering():
            variables.append(_variable(key, entry, f"{where}:{key}", known))
    problems.raise_any()
    return tuple(variables)


def _variable(key: str, entry: Tree, where: str, known: tuple[str, ...]) -> Variable:
    if not isinstance(entry, dict):
        return Variable(key=key, value=_value(entry, where))
    record = as_record(entry, where, known=known)
    if "description" in record:
        as_text(record["description"], f"{where}:description")
    value = _value(record.get("value", ""), f"{where}:value")
    if "options" in record and value not in as_texts(record["options"], f"{where}:options"):
        raise CiConfigError(f"{where} config value must be present in options")
    expand = as_bool(record.get("expand", True), f"{where}:expand")
    return Variable(key=key, value=value, raw=not expand)


def _value(value: Tree, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, list | dict):
        raise CiConfigError(f"{where} config should be a string, a number or a boolean")
    return as_text(value, where)
