"""`parallel:` as a number or a matrix: one job written, several run."""

from dataclasses import dataclass
from itertools import product

from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Variable
from sledgehammer_localstack.ci.reading import as_int, as_mapping, as_record, as_text
from sledgehammer_localstack.ci.tree import Tree

MAX_INSTANCES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One of the jobs: what its name gains, and its variables from the matrix."""

    suffix: str
    variables: tuple[Variable, ...] = ()


def parse_parallel(value: Tree, where: str) -> tuple[Instance, ...]:
    """The instances of a job. Raises CiConfigError."""
    if not isinstance(value, dict):
        total = as_int(value, where, at_least=1, at_most=MAX_INSTANCES)
        return tuple(Instance(suffix=f" {number}/{total}") for number in range(1, total + 1))
    entry = as_record(value, where, known=("matrix",))
    rows = entry.get("matrix")
    if not isinstance(rows, list) or not rows:
        raise CiConfigError(f"{where}:matrix config should be an array of hashes")
    instances = tuple(instance for row in rows for instance in _row_instances(row, f"{where}:matrix"))
    if len(instances) > MAX_INSTANCES:
        raise CiConfigError(f"{where}:matrix config generates too many jobs (maximum is {MAX_INSTANCES})")
    return instances


def instance_names(job: str, instances: tuple[Instance, ...]) -> tuple[str, ...]:
    """Names of the jobs, such as `test 1/3` or `test: [linux, arm64]`."""
    return tuple(job + instance.suffix for instance in instances)


def _row_instances(row: Tree, where: str) -> list[Instance]:
    columns: list[list[tuple[str, str]]] = []
    for key, values in as_mapping(row, where).items():
        listed = values if isinstance(values, list) else [values]
        if not listed:
            raise CiConfigError(f"{where}:{key} config should hold at least one value")
        columns.append([(key, as_text(value, f"{where}:{key}")) for value in listed])
    return [
        Instance(
            suffix=f": [{', '.join(value for _, value in chosen)}]",
            variables=tuple(Variable(key=key, value=value) for key, value in chosen),
        )
        for chosen in product(*columns)
    ]
