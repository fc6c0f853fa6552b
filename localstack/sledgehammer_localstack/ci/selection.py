"""Which jobs of a CI file are in this pipeline, and what each of them then is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sledgehammer_localstack.ci.config import Config
from sledgehammer_localstack.ci.errors import Problems
from sledgehammer_localstack.ci.job_entries import JobDraft
from sledgehammer_localstack.ci.model import Environment, Job, Variable, When
from sledgehammer_localstack.ci.needs import (
    JobIndex,
    NeedEntry,
    check_earlier,
    check_no_circle,
    named_jobs,
    parse_needs,
    present_needs,
)
from sledgehammer_localstack.ci.parallel import Instance, instance_names
from sledgehammer_localstack.ci.predefined import slug
from sledgehammer_localstack.ci.rules import Rule, RuleContext, first_match
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.variables import as_mapping, expand_text, expanded_values, layered


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What jobs are selected from: `variables` are the global ones, workflow rules applied."""

    config: Config
    source: PipelineSource
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A job whose rules let it in; its needs still name jobs that may not be there."""

    job: Job
    needs: tuple[tuple[str, NeedEntry], ...] | None


def check_names(config: Config) -> None:
    """Check that needs and dependencies name jobs of the file, none of a later stage, and no circle. Raises
    CiConfigError with every mistake."""
    index = _index(config)
    problems = Problems()
    graph: dict[str, list[str]] = {}
    for draft in config.drafts:
        with problems.gathering():
            found = named_jobs(draft.needs or (), _index_for(draft, index), draft.name)
            graph[draft.name] = [_group_of(name, index) for name, _ in found]
        for dependency in draft.dependencies or ():
            with problems.gathering():
                for name in index.instances(dependency) or (dependency,):
                    check_earlier(draft.name, name, _index_for(draft, index), kind="dependency")
    problems.raise_any()
    check_no_circle(graph)


def select_jobs(selection: Selection) -> tuple[Job, ...]:
    """Decide all rules; jobs in stage order. Raises CiConfigError when a needed job is not there."""
    config = selection.config
    index = _index(config)
    problems = Problems()
    candidates: list[_Candidate] = []
    for draft in sorted(config.drafts, key=lambda draft: config.stages.index(draft.stage)):
        for number, instance in enumerate(draft.instances or (None,), start=1):
            with problems.gathering():
                candidate = _candidate(draft, instance, number, selection, index)
                if candidate is not None:
                    candidates.append(candidate)
    problems.raise_any()
    present = frozenset(candidate.job.name for candidate in candidates)
    jobs: list[Job] = []
    for candidate in candidates:
        with problems.gathering():
            jobs.append(_finished(candidate, present, index))
    problems.raise_any()
    return tuple(jobs)


def _index(config: Config) -> JobIndex:
    groups = {d.name: instance_names(d.name, d.instances) if d.instances else (d.name,) for d in config.drafts}
    positions = {d.name: config.stages.index(d.stage) for d in config.drafts}
    return JobIndex(
        groups=groups,
        stages={name: positions[group] for group, names in groups.items() for name in names},
    )


def _index_for(draft: JobDraft, index: JobIndex) -> JobIndex:
    # A job written with `parallel` is no job itself, yet mistakes are reported under its written name.
    own = index.stages[index.groups[draft.name][0]]
    return replace(index, stages={**index.stages, draft.name: own})


def _group_of(name: str, index: JobIndex) -> str:
    return next((group for group, names in index.groups.items() if name in names), name)


def _candidate(
    draft: JobDraft, instance: Instance | None, number: int, selection: Selection, index: JobIndex
) -> _Candidate | None:
    name = draft.name + (instance.suffix if instance else "")
    written = layered(_reaching(draft, selection.variables), draft.variables, instance.variables if instance else ())
    seen = _all_variables(draft, name, written, selection.source)
    rule: Rule | None = None
    if draft.rules is not None:
        context = RuleContext(source=selection.source, values=as_mapping(seen), variables=seen)
        rule = first_match(draft.rules, context)
        if rule is None:
            return None
    when = (rule.when if rule else None) or draft.when or "on_success"
    if when == "never":
        return None
    variables = layered(written, rule.variables if rule else ())
    values = expanded_values(_all_variables(draft, name, variables, selection.source))
    job = replace(
        _job(draft, name, variables, values),
        when=When(when),
        allow_failure=_may_fail(draft, rule),
        interruptible=_first(rule.interruptible if rule else None, draft.interruptible),
        node_index=number if instance else None,
        node_total=len(draft.instances) or 1,
    )
    entries = draft.needs
    if rule is not None and rule.needs is not None:
        entries = parse_needs(rule.needs, f"jobs:{draft.name}:rules:rule:needs")
    found = named_jobs(entries, index, name) if entries is not None else None
    return _Candidate(job=job, needs=found)


def _job(draft: JobDraft, name: str, variables: tuple[Variable, ...], values: Mapping[str, str]) -> Job:
    environment = draft.environment
    if environment is not None:
        environment = Environment(name=expand_text(environment.name, values), url=environment.url)
    return Job(
        name=name,
        group_name=draft.name,
        stage=draft.stage,
        script=draft.script,
        before_script=draft.before_script,
        after_script=draft.after_script,
        image=draft.image,
        services=draft.services,
        variables=variables,
        allow_failure_exit_codes=draft.allow_failure_exit_codes,
        dependencies=draft.dependencies,
        artifacts=draft.artifacts,
        caches=draft.caches,
        retry=draft.retry,
        timeout_s=draft.timeout_s,
        tags=tuple(expand_text(tag, values) for tag in draft.tags),
        environment=environment,
        coverage=draft.coverage,
        id_tokens=draft.id_tokens,
    )


def _finished(candidate: _Candidate, present: frozenset[str], index: JobIndex) -> Job:
    job = candidate.job
    needs = None if candidate.needs is None else present_needs(candidate.needs, job.name, present)
    dependencies = job.dependencies
    if dependencies is not None:
        dependencies = tuple(n for written in dependencies for n in index.instances(written) if n in present)
    return replace(job, needs=needs, dependencies=dependencies)


def _reaching(draft: JobDraft, variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
    if isinstance(draft.inherited_variables, bool):
        return variables if draft.inherited_variables else ()
    return tuple(variable for variable in variables if variable.key in draft.inherited_variables)


def _all_variables(
    draft: JobDraft, name: str, written: tuple[Variable, ...], source: PipelineSource
) -> tuple[Variable, ...]:
    own = (
        Variable(key="CI_JOB_NAME", value=name, raw=True),
        Variable(key="CI_JOB_NAME_SLUG", value=slug(name), raw=True),
        Variable(key="CI_JOB_STAGE", value=draft.stage, raw=True),
    )
    return layered(source.predefined, own, written, source.settings, source.given)


def _may_fail(draft: JobDraft, rule: Rule | None) -> bool:
    """A manual job may fail unless it says otherwise, but one made manual by its rules may not."""
    by_rule = rule.allow_failure if rule else None
    return _first(by_rule, _first(draft.allow_failure, draft.when == "manual" and not (rule and rule.when)))


def _first(value: bool | None, otherwise: bool) -> bool:
    return otherwise if value is None else value
