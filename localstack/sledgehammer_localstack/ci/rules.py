"""`rules`: which of them matches a pipeline, and what it then says of the job.

Source: docs.gitlab.com, ci/yaml ("rules") and ci/jobs/job_rules. `if` sees variables as written, `changes` and
`exists` see them expanded, as GitLab does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sledgehammer_localstack.ci.errors import CiConfigError, Problems
from sledgehammer_localstack.ci.expressions import Expression
from sledgehammer_localstack.ci.globs import matches_any
from sledgehammer_localstack.ci.model import Variable
from sledgehammer_localstack.ci.reading import as_bool, as_mapping, as_record, as_text, as_texts, as_word, flattened
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.tree import Tree
from sledgehammer_localstack.ci.variable_entries import parse_variables
from sledgehammer_localstack.ci.variables import expand_text, expanded_values

JOB_RULE_KEYS = (
    "if", "changes", "exists", "when", "allow_failure", "variables", "needs", "interruptible"
)  # fmt: skip
WORKFLOW_RULE_KEYS = ("if", "changes", "exists", "when", "variables")
_REFUSED = ("start_in", "auto_cancel")
_MAX_PATTERNS = 50
_WHENS = ("on_success", "on_failure", "always", "manual", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; None where it does not say."""

    condition: Expression | None = None
    changes: tuple[str, ...] | None = None
    exists: tuple[str, ...] | None = None
    when: str | None = None
    allow_failure: bool | None = None
    interruptible: bool | None = None
    variables: tuple[Variable, ...] = ()
    needs: Tree = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What rules are matched against. `values` are the variables as written, of which `variables` give the
    expanded ones where patterns need them."""

    source: PipelineSource
    values: Mapping[str, str]
    variables: tuple[Variable, ...]


def parse_rules(value: Tree, where: str, *, known: Sequence[str]) -> tuple[Rule, ...]:
    """Read a list of rules (nested lists are flattened). Raises CiConfigError with every mistake."""
    if not isinstance(value, list):
        raise CiConfigError(f"{where} config should be an array of hashes")
    problems = Problems()
    rules: list[Rule] = []
    for entry in flattened(value, where):
        with problems.gathering():
            rules.append(_parse_rule(entry, f"{where}:rule", known))
    problems.raise_any()
    return tuple(rules)


def parse_when(value: Tree, where: str) -> str:
    """A value of `when`, of a job or of a rule."""
    if value == "delayed":
        raise CiConfigError(f"{where} config uses `delayed`, which the local GitLab does not support")
    return as_word(value, where, among=_WHENS)


def first_match(rules: Sequence[Rule], context: RuleContext) -> Rule | None:
    """The first rule of which every clause holds."""
    return next((rule for rule in rules if _holds(rule, context)), None)


def _parse_rule(value: Tree, where: str, known: Sequence[str]) -> Rule:
    entry = as_record(value, where, known=known, refused=_REFUSED)
    condition = entry.get("if")
    return Rule(
        condition=None if condition is None else Expression(as_text(condition, f"{where}:if"), where=f"{where}:if"),
        changes=_patterns(entry.get("changes"), f"{where}:changes", refused=("compare_to",)),
        exists=_patterns(entry.get("exists"), f"{where}:exists", refused=("project", "ref")),
        when=parse_when(entry["when"], f"{where}:when") if "when" in entry else None,
        allow_failure=_optional_bool(entry.get("allow_failure"), f"{where}:allow_failure"),
        interruptible=_optional_bool(entry.get("interruptible"), f"{where}:interruptible"),
        variables=parse_variables(as_mapping(entry.get("variables", {}), f"{where}:variables"), f"{where}:variables"),
        needs=entry.get("needs"),
    )


def _optional_bool(value: Tree, where: str) -> bool | None:
    return None if value is None else as_bool(value, where)


def _patterns(value: Tree, where: str, *, refused: tuple[str, ...]) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, dict):
        value = as_record(value, where, known=("paths",), refused=refused).get("paths")
    patterns = as_texts([value] if isinstance(value, str) else value, where)
    if len(patterns) > _MAX_PATTERNS:
        raise CiConfigError(f"{where} config has too many entries (maximum {_MAX_PATTERNS})")
    return patterns


def _holds(rule: Rule, context: RuleContext) -> bool:
    if rule.condition is not None and not rule.condition.holds(context.values):
        return False
    if rule.changes is not None and not _any_changed(rule.changes, context):
        return False
    return rule.exists is None or matches_any(_expanded(rule.exists, context), context.source.list_files())


def _any_changed(globs: tuple[str, ...], context: RuleContext) -> bool:
    if context.source.changed_paths is None:
        return True
    return matches_any(_expanded(globs, context), context.source.changed_paths())


def _expanded(globs: tuple[str, ...], context: RuleContext) -> list[str]:
    values = expanded_values(context.variables)
    return [expand_text(glob, values).lstrip("/") for glob in globs]
