"""From a commit's CI file to a pipeline: the compiler's front door."""

from sledgehammer_localstack.ci.config import EDGE_STAGES, Config, parse_config
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.includes import load_with_includes
from sledgehammer_localstack.ci.inheritance import resolved
from sledgehammer_localstack.ci.model import Filtered, Pipeline, Variable
from sledgehammer_localstack.ci.rules import Rule, RuleContext, first_match
from sledgehammer_localstack.ci.selection import Selection, check_names, select_jobs
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.tree import dump_tree
from sledgehammer_localstack.ci.variables import as_mapping, expand_text, expanded_values, layered

WORKFLOW_FILTERED = "Pipeline filtered out by workflow rules."
NO_JOBS = (
    "Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from being added "
    "to the pipeline."
)
MAX_NAME = 255


def compile_pipeline(source: PipelineSource) -> Pipeline | Filtered:
    """Work out the pipeline of one commit. Raises CiConfigError, whose `sentences` are what lint shows."""
    config = parse_config(resolved(load_with_includes(source)), source)
    check_names(config)
    warnings = _warnings(config)
    workflow = _workflow_match(config, source)
    if config.workflow_rules is not None and (workflow is None or workflow.when == "never"):
        return Filtered(reason=WORKFLOW_FILTERED, warnings=warnings)
    variables = layered(config.variables, workflow.variables if workflow else ())
    jobs = select_jobs(Selection(config=config, source=source, variables=variables))
    if all(job.stage in EDGE_STAGES for job in jobs):
        return Filtered(reason=NO_JOBS, warnings=warnings)
    used = {job.stage for job in jobs}
    return Pipeline(
        stages=tuple(stage for stage in config.stages if stage in used),
        jobs=jobs,
        variables=variables,
        name=_name(config, source, variables),
        warnings=warnings,
    )


def merged_yaml(source: PipelineSource) -> str:
    """The CI file with includes, extends and references worked out, as lint shows it. Raises CiConfigError."""
    return dump_tree(resolved(load_with_includes(source)))


def _workflow_match(config: Config, source: PipelineSource) -> Rule | None:
    variables = layered(source.predefined, config.variables, source.settings, source.given)
    context = RuleContext(source=source, values=as_mapping(variables), variables=variables)
    for rule in config.workflow_rules or ():
        if rule.when not in {None, "always", "never"}:
            raise CiConfigError(f"workflow:rules:rule:when config should be one of: always, never; got {rule.when}")
    return first_match(config.workflow_rules or (), context)


def _name(config: Config, source: PipelineSource, variables: tuple[Variable, ...]) -> str | None:
    if config.name is None:
        return None
    values = expanded_values(layered(source.predefined, variables, source.settings, source.given))
    return expand_text(config.name, values).strip()[:MAX_NAME] or None


def _warnings(config: Config) -> tuple[str, ...]:
    if config.workflow_rules is not None:
        return ()
    return tuple(
        f"jobs:{draft.name} may allow multiple pipelines to run for a single action due to `rules:when` clause with "
        "no `workflow:rules`"
        for draft in config.drafts
        if draft.rules and _applies_always(draft.rules[-1])
    )


def _applies_always(rule: Rule) -> bool:
    return rule.condition is None and rule.changes is None and rule.exists is None and rule.when not in {None, "never"}
