"""The whole CI file, checked, before anything is decided for a particular commit."""

from dataclasses import dataclass

from sledgehammer_localstack.ci.errors import Problems, nearest
from sledgehammer_localstack.ci.job_entries import (
    DEFAULT_KEYS,
    REFUSED_DEFAULT_KEYS,
    JobDraft,
    check_defaults,
    parse_job,
)
from sledgehammer_localstack.ci.model import Variable
from sledgehammer_localstack.ci.reading import as_mapping, as_record, as_text, as_texts
from sledgehammer_localstack.ci.rules import WORKFLOW_RULE_KEYS, Rule, parse_rules
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.tree import Mapping
from sledgehammer_localstack.ci.variable_entries import parse_global_variables

DEFAULT_STAGES = ("build", "test", "deploy")
EDGE_STAGES = (".pre", ".post")
# Defaults that GitLab still takes at the top of the file.
_GLOBAL_DEFAULTS = ("image", "services", "before_script", "after_script", "cache")
_GLOBAL_KEYS = ("default", "include", "stages", "variables", "workflow", *_GLOBAL_DEFAULTS)
_NO_JOB_NAMES = ("pages", "spec", "types", "true", "false", "nil")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid CI file. `stages` with `.pre` and `.post`; `workflow_rules` None: no workflow is given."""

    stages: tuple[str, ...]
    variables: tuple[Variable, ...]
    workflow_rules: tuple[Rule, ...] | None
    name: str | None
    drafts: tuple[JobDraft, ...]


def parse_config(tree: Mapping, source: PipelineSource) -> Config:
    """Read a tree without includes, extends and references. Raises CiConfigError with every mistake."""
    problems = Problems()
    stages: tuple[str, ...] = DEFAULT_STAGES
    defaults: Mapping = {}
    variables: tuple[Variable, ...] = ()
    rules: tuple[Rule, ...] | None = None
    name: str | None = None
    with problems.gathering():
        defaults = _defaults(tree)
        check_defaults(defaults, read_file=source.read_file)
    with problems.gathering():
        stages = as_texts(tree["stages"], "stages") if tree.get("stages") is not None else DEFAULT_STAGES
    with problems.gathering():
        variables = parse_global_variables(as_mapping(tree.get("variables") or {}, "variables"), "variables")
    with problems.gathering():
        rules, name = _workflow(tree)
    stages = (".pre", *(stage for stage in dict.fromkeys(stages) if stage not in EDGE_STAGES), ".post")
    drafts = _drafts(tree, defaults, stages, source, problems)
    problems.raise_any()
    return Config(stages=stages, variables=variables, workflow_rules=rules, name=name, drafts=drafts)


def _defaults(tree: Mapping) -> Mapping:
    at_top = {key: tree[key] for key in _GLOBAL_DEFAULTS if tree.get(key) is not None}
    below = as_record(tree.get("default") or {}, "default", known=DEFAULT_KEYS, refused=REFUSED_DEFAULT_KEYS)
    return {**at_top, **below}


def _workflow(tree: Mapping) -> tuple[tuple[Rule, ...] | None, str | None]:
    entry = as_record(tree.get("workflow") or {}, "workflow", known=("rules", "name"), refused=("auto_cancel",))
    rules = parse_rules(entry["rules"], "workflow:rules", known=WORKFLOW_RULE_KEYS) if "rules" in entry else None
    return rules, as_text(entry["name"], "workflow:name") if "name" in entry else None


def _drafts(
    tree: Mapping, defaults: Mapping, stages: tuple[str, ...], source: PipelineSource, problems: Problems
) -> tuple[JobDraft, ...]:
    drafts: list[JobDraft] = []
    for name, entry in tree.items():
        if name in _GLOBAL_KEYS or name.startswith("."):
            continue
        if name in _NO_JOB_NAMES:
            problems.note(f"root config uses `{name}`, which the local GitLab does not support")
        elif not isinstance(entry, dict):
            problems.note(f"root config contains unknown keys: {name}{nearest(name, _GLOBAL_KEYS)}")
        else:
            with problems.gathering():
                draft = parse_job(name, entry, defaults, read_file=source.read_file)
                drafts.append(draft)
                _check_stage(draft, stages, problems)
    if not any(name not in _GLOBAL_KEYS and not name.startswith(".") for name in tree):
        problems.note("jobs config should contain at least one visible job")
    return tuple(drafts)


def _check_stage(draft: JobDraft, stages: tuple[str, ...], problems: Problems) -> None:
    if draft.stage not in stages:
        problems.note(
            f"{draft.name} job: chosen stage {draft.stage} does not exist; available stages are "
            f"{', '.join(stages)}{nearest(draft.stage, stages)}"
        )
