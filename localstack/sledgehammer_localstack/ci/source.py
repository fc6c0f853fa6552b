"""What the compiler is given: where files are read from and which variables are known before any job."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sledgehammer_localstack.ci.model import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSource:
    """One commit and the circumstances of its pipeline.

    `read_file` gives a file of the commit or None; `list_files` all its paths; `changed_paths` what the push
    changed, None where GitLab takes everything as changed (a new branch, a tag, a pipeline made by API).
    Variables in rising precedence: `predefined` (see `predefined.pipeline_variables`), those of the CI file,
    `settings` (instance, group, project, in this order, already chosen by scope and protection), `given` (with
    the trigger, the API call or the push)."""

    read_file: Callable[[str], str | None]
    list_files: Callable[[], Sequence[str]]
    config_path: str = ".gitlab-ci.yml"
    changed_paths: Callable[[], frozenset[str]] | None = None
    predefined: tuple[Variable, ...] = field(default=())
    settings: tuple[Variable, ...] = field(default=())
    given: tuple[Variable, ...] = field(default=())
