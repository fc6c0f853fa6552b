"""`needs:` and `dependencies:`: reading them, and checking them against the jobs that there are.

Source: docs.gitlab.com, ci/yaml ("needs", "dependencies").
"""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from sledgehammer_localstack.ci.errors import CiConfigError, Problems, nearest
from sledgehammer_localstack.ci.model import Need
from sledgehammer_localstack.ci.parallel import instance_names, parse_parallel
from sledgehammer_localstack.ci.reading import as_bool, as_record, as_text, flattened
from sledgehammer_localstack.ci.tree import Tree

MAX_NEEDS = 50
_KEYS = ("job", "artifacts", "optional", "parallel")
_REFUSED = ("pipeline", "project", "ref")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedEntry:
    """A need as written. `instances`: the parallel instances it picks, empty for the job with all of them."""

    job: str
    artifacts: bool = True
    optional: bool = False
    instances: tuple[str, ...] = ()


def parse_needs(value: Tree, where: str) -> tuple[NeedEntry, ...]:
    """Read a list of needs. Raises CiConfigError."""
    entries = flattened(value if isinstance(value, list) else [value], where)
    if len(entries) > MAX_NEEDS:
        raise CiConfigError(f"{where} config has too many entries (maximum {MAX_NEEDS})")
    needs = tuple(_parse_need(entry, f"{where}:need") for entry in entries)
    written = [(need.job, need.instances) for need in needs]
    for job, instances in written:
        if written.count((job, instances)) > 1:
            raise CiConfigError(f"{where} has the following duplicate entries: {job}")
    return needs


def _parse_need(value: Tree, where: str) -> NeedEntry:
    if isinstance(value, str):
        return NeedEntry(job=value)
    entry = as_record(value, where, known=_KEYS, refused=_REFUSED)
    if "job" not in entry:
        raise CiConfigError(f"{where} job can't be blank")
    job = as_text(entry["job"], f"{where}:job")
    picked = parse_parallel(entry["parallel"], f"{where}:parallel") if "parallel" in entry else None
    return NeedEntry(
        job=job,
        artifacts=as_bool(entry.get("artifacts", True), f"{where}:artifacts"),
        optional=as_bool(entry.get("optional", False), f"{where}:optional"),
        instances=instance_names(job, picked) if picked else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobIndex:
    """All jobs of the file, whatever their rules say: `groups` from a written name to the names of its instances
    (itself, or its parallel ones), `stages` from an instance to the position of its stage."""

    groups: AnyMapping[str, tuple[str, ...]]
    stages: AnyMapping[str, int]

    def instances(self, name: str) -> tuple[str, ...]:
        """Jobs that a written name stands for; empty when there is none."""
        return self.groups.get(name) or ((name,) if name in self.stages else ())


def named_jobs(entries: Sequence[NeedEntry], index: JobIndex, job: str) -> tuple[tuple[str, NeedEntry], ...]:
    """The jobs that needs stand for, each with its entry. Raises CiConfigError for names that are no job's, or
    only that of a later stage."""
    problems = Problems()
    found: list[tuple[str, NeedEntry]] = []
    for entry in entries:
        names = entry.instances or index.instances(entry.job)
        if not names and not entry.optional:
            problems.note(_undefined(job, "need", entry.job, index))
        for name in names:
            with problems.gathering():
                check_earlier(job, name, index, kind="need")
                found.append((name, entry))
    problems.raise_any()
    return tuple(found)


def check_earlier(job: str, name: str, index: JobIndex, *, kind: str) -> None:
    """Raise CiConfigError unless `name` is a job of the same or an earlier stage than `job`."""
    if name not in index.stages:
        raise CiConfigError(_undefined(job, kind, name, index))
    if index.stages[name] > index.stages[job]:
        raise CiConfigError(f"{job} job: {kind} {name} is not defined in current or prior stages")


def _undefined(job: str, kind: str, name: str, index: JobIndex) -> str:
    return f"{job} job: undefined {kind}: {name}{nearest(name, list(index.groups))}"


def check_no_circle(needs: AnyMapping[str, Sequence[str]]) -> None:
    """Raise CiConfigError when jobs need each other in a circle."""
    try:
        tuple(TopologicalSorter({job: set(names) for job, names in needs.items()}).static_order())
    except CycleError as error:
        circle = " -> ".join(str(name) for name in error.args[1])
        raise CiConfigError(f"The pipeline has circular dependencies: {circle}") from error


def present_needs(found: Sequence[tuple[str, NeedEntry]], job: str, present: frozenset[str]) -> tuple[Need, ...]:
    """Needs on the jobs that rules left in the pipeline. Raises CiConfigError for one that is missing and not
    optional."""
    missing = [name for name, entry in found if name not in present and not entry.optional]
    if missing:
        raise CiConfigError(
            *(
                f"'{job}' job needs '{name}' job, but '{name}' does not exist in the pipeline. This might be because "
                "of the only, except, or rules keywords. To need a job that sometimes does not exist in the "
                "pipeline, use needs:optional."
                for name in missing
            )
        )
    return tuple(Need(job=name, artifacts=entry.artifacts) for name, entry in found if name in present)
